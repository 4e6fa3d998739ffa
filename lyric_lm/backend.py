"""`require_tensorflow`: Keras must run on TensorFlow here, which is said before Keras is imported."""

import json
import os
import sys
from typing import Any

from lyric_lm.data.keras_home import keras_home
from lyric_lm.errors import BackendError

_VARIABLE, _OURS = "KERAS_BACKEND", "tensorflow"
_CURE = f"set {_VARIABLE}={_OURS} before Keras is imported"


def require_tensorflow() -> None:
    """Refuse any other backend of Keras', whoever chose it.

    Raises:
        BackendError: names who chose which, and the cure.
    """
    chosen_by, backend = _choice()
    if backend != _OURS:
        raise BackendError(
            f"lyric_lm needs Keras' TensorFlow backend, but {chosen_by} {backend!r:.40}: {_CURE}."
        )


def choose_tensorflow() -> None:
    """Choose the backend for a process of our own, whose user has chosen none.

    Raises:
        BackendError: the user has chosen another.
    """
    require_tensorflow()
    os.environ[_VARIABLE] = _OURS


def _choice() -> tuple[str, Any]:
    """Who chose Keras' backend, and which: as Keras finds out, whose import may fail for want of it."""
    if sys.modules.get("keras") is not None:
        return "it was imported with", sys.modules["keras"].config.backend()
    if backend := os.environ.get(_VARIABLE):
        return f"{_VARIABLE} names", backend
    path = keras_home() / "keras.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        settings = {}
    return f"{path} names", settings.get("backend", _OURS) if isinstance(settings, dict) else _OURS
