"""`keras_home`: the folder of Keras' settings and downloads, found without importing Keras."""

import os
from pathlib import Path


def keras_home() -> Path:
    """$KERAS_HOME, else ~/.keras; /tmp/.keras where there is no home folder to write to, as in Keras itself.

    A process without HOME, whose user id has no entry, has none; `Path.home()` would raise then.
    """
    if "KERAS_HOME" in os.environ:
        return Path(os.path.expanduser(os.environ["KERAS_HOME"]))  # noqa: PTH111
    home = os.path.expanduser("~")  # noqa: PTH111
    return Path(home if os.access(home, os.W_OK) else "/tmp", ".keras")
