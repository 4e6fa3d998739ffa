"""What Keras' own callbacks remember, and how `fit` is told where to begin; names as in Keras 3.12 to 3.15.

None of these callbacks says what it remembers, some keep it in private attributes, and `fit` reads its first
epoch from a private attribute of the model.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from lyric_lm.errors import CheckpointError

# What each has at an epoch's end that it would not have when made anew. All else is a setting, or in the
# optimizer, or made again as the next epoch begins.
_ATTRIBUTES: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_weights", "best_epoch"),
    keras.callbacks.History: ("epoch", "history"),
    keras.callbacks.LearningRateScheduler: (),
    keras.callbacks.ModelCheckpoint: ("best", "_batches_seen_since_last_saving", "_last_batch_seen"),
    keras.callbacks.ProgbarLogger: (),
    keras.callbacks.ReduceLROnPlateau: ("best", "wait", "cooldown_counter"),
    keras.callbacks.RemoteMonitor: (),
    keras.callbacks.TensorBoard: ("_global_train_batch", "_global_test_batch"),
    keras.callbacks.TerminateOnNaN: (),
}


def is_known(callback: keras.callbacks.Callback) -> bool:
    """Whether the functions below know a callback; a subclass may remember more than they know of."""
    return type(callback) in _ATTRIBUTES or type(callback) in _OWN_WAYS


def has_memory(callback: keras.callbacks.Callback) -> bool:
    """Whether it is one of Keras' callbacks that remember something."""
    return is_known(callback) and _ATTRIBUTES.get(type(callback)) != ()


def state_of(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """What one of Keras' callbacks remembers at the end of an epoch."""
    if type(callback) in _OWN_WAYS:
        return _OWN_WAYS[type(callback)][0](callback)
    return {name: getattr(callback, name) for name in _ATTRIBUTES[type(callback)]}


def load_state(callback: keras.callbacks.Callback, state: dict[str, Any]) -> None:
    """Give one of Keras' callbacks its memory back, once its training has begun."""
    if type(callback) in _OWN_WAYS:
        _OWN_WAYS[type(callback)][1](callback, state)
        return
    for name in _ATTRIBUTES[type(callback)]:
        if name in state:  # a checkpoint of format 1 has the public ones only
            setattr(callback, name, state[name])


def begin_at(model: keras.Model, epoch: int) -> None:
    """Let the `fit` in progress, whose first epoch has not begun, begin at a later one.

    Args:
        model: the one that is trained.
        epoch: counted from 0, >= 1; one that is not planned trains nothing.
    """
    model._initial_epoch = _ReadOnce(model, epoch)


class _ReadOnce:
    """The epoch that `self._initial_epoch or initial_epoch` gives `fit`, gone from the model once it is read.

    As a plain number it would stay, and be the next `fit`'s first epoch, if anything raised before the end.
    """

    def __init__(self, model: keras.Model, epoch: int) -> None:
        self._model, self._epoch = model, epoch

    def __bool__(self) -> bool:
        self._model._initial_epoch = None
        return True

    def __index__(self) -> int:
        return self._epoch


# ------------------------------------------------------------------ CSVLogger


def _csv_state(callback: Any) -> dict[str, Any]:
    content = np.frombuffer(Path(callback.filename).read_bytes(), np.uint8)
    return {"content": content, "keys": callback.keys}


def _load_csv_state(callback: Any, state: dict[str, Any]) -> None:
    """Put the file back as it was: without the epochs that are trained again, with those it has forgotten."""
    if "content" not in state:  # a checkpoint of format 1
        return
    Path(callback.filename).write_bytes(state["content"].tobytes())
    callback.csv_file.seek(0, os.SEEK_END)
    callback.append_header, callback.keys = not len(state["content"]), state["keys"]


# ------------------------------------------------------------------ SwapEMAWeights


def _swap_state(callback: Any) -> dict[str, Any]:
    epochs, swapped = callback.params["epochs"], callback._ema_weights_in_model
    is_last = callback.model.history.epoch[-1:] == [epochs - 1]
    # At the end of the last epoch planned it replaces the trained weights by their average for good.
    return {"ema_weights_in_model": swapped, "averaged_for_good": epochs if swapped and is_last else 0}


def _load_swap_state(callback: Any, state: dict[str, Any]) -> None:
    if 0 < state["averaged_for_good"] < callback.params["epochs"]:
        raise CheckpointError(
            "SwapEMAWeights(swap_on_epoch=True) has replaced the trained weights by their average at the end "
            f"of the last epoch planned, {state['averaged_for_good']}, so this training cannot go on: leave "
            "`epochs` as it was, or train from the start in another folder."
        )
    callback._ema_weights_in_model = state["ema_weights_in_model"]


_OWN_WAYS: dict[type, tuple[Callable[[Any], dict[str, Any]], Callable[[Any, dict[str, Any]], None]]] = {
    keras.callbacks.CSVLogger: (_csv_state, _load_csv_state),
    keras.callbacks.SwapEMAWeights: (_swap_state, _load_swap_state),
}
