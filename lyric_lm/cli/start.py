"""How the command's process starts: `keep_memory`, then `start_tensorflow`; and when it did."""

import ctypes
import os
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from lyric_lm.data.keras_home import keras_home
from lyric_lm.errors import LyricLMError

if TYPE_CHECKING:
    from lyric_lm.settings.devices import DeviceConfig

_BEGAN = time.perf_counter()  # this module is imported before anything that takes time
_KEPT = 1 << 30  # bytes; blocks smaller than this are kept, and as much at the end of the heap
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def seconds_since_start() -> float:
    """How long ago the command started, but for Python's own start."""
    return time.perf_counter() - _BEGAN


def keep_memory() -> None:
    """Let glibc keep freed blocks for the next training step instead of giving them back to the system.

    It gives back every block of over 32 MB, as the logits of a large batch are, and the system clears each
    page again at the next use: a third of the time of the recipe's training. Only a process of our own may
    be set so, and other C libraries than glibc have no such setting.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if set_option is not None:
        set_option(_M_MMAP_THRESHOLD, _KEPT)
        set_option(_M_TRIM_THRESHOLD, _KEPT)


def start_tensorflow(devices: "DeviceConfig | None" = None) -> None:
    """Import TensorFlow with its start-up chatter kept off the screen, and shown if the start fails.

    Its C++ libraries write to the file descriptor, before any log level is read.

    Args:
        devices: what it is started on; a cluster can be joined only now.

    Raises:
        SettingsError: devices are not there.
    """
    waiting = "starting TensorFlow ..." if sys.stderr.isatty() else ""  # some seconds, else silent ones
    sys.stderr.write(waiting)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Without a home, TensorFlow's own copy of an older Keras would make a folder called `~` here.
    os.environ.setdefault("KERAS_HOME", str(keras_home()))
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            import tensorflow as tf

            if devices is not None and devices.strategy is not None:
                from lyric_lm.training.devices import strategy_of

                strategy_of(devices)
            tf.config.list_logical_devices()  # starts them now, since they chatter too
        except LyricLMError:
            raise
        except BaseException:
            chatter.seek(0)
            os.write(stderr, chatter.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            sys.stderr.write("\r" + " " * len(waiting) + "\r" if waiting else "")
