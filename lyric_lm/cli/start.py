"""`quiet_start`: import TensorFlow without its chatter."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Keep TensorFlow's start-up chatter off the screen; show it if the start fails.

    Its C++ libraries write to the file descriptor, before any log level is read.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            yield
            _touch_devices()
        except BaseException:
            chatter.seek(0)
            os.write(stderr, chatter.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _touch_devices() -> None:
    """Start TensorFlow's devices now, since they chatter too."""
    import tensorflow as tf

    tf.config.list_logical_devices()
