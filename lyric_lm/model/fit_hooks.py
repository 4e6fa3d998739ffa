"""What `StatefulModel.fit` does at the hooks of callbacks, and what it asks callbacks and data before."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from lyric_lm.model.fit_data import array_batch_size
from lyric_lm.model.keras_internals import profiles_batches

# Enough steps in one compiled loop to hide fit's own cost per call, few enough that Ctrl-C answers soon.
_MAX_STEPS_AT_ONCE = 32


class StartEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls functions at each epoch's start: the one hook that nothing but `fit` calls.

    Args:
        calls: each called with the epoch, counted from 0.
    """

    def __init__(self, *calls: Callable[[int], object]) -> None:
        super().__init__()
        self._calls = calls

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del logs
        for call in self._calls:
            call(epoch)


class TimeSteps(keras.callbacks.Callback):  # type: ignore[misc]
    """Times each epoch's training steps alone, into `model.training_seconds`.

    Called first of all callbacks, it stops the clock before validation and before anything they do.
    """

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del epoch, logs
        self._start, self.model.training_seconds = time.perf_counter(), 0.0

    def on_test_begin(self, logs: Any = None) -> None:
        del logs
        self.model.training_seconds = time.perf_counter() - self._start

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        del epoch, logs
        self.model.training_seconds = self.model.training_seconds or time.perf_counter() - self._start


@contextlib.contextmanager
def first_of_all(
    own: Sequence[keras.callbacks.Callback], callbacks: Any, model: keras.Model
) -> Iterator[Any]:
    """The callbacks as `fit` takes them, our own before them; a `CallbackList` gets its list back."""
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        yield [*own, *tf.nest.flatten(callbacks or [])]
        return
    for callback in own:
        callback.set_model(model)
    callbacks.callbacks = [*own, *callbacks.callbacks]
    try:
        yield callbacks
    finally:
        callbacks.callbacks = [callback for callback in callbacks.callbacks if callback not in own]


def tell_of_each_other(callbacks: Any) -> None:
    """Give each callback that has a method `set_callbacks`, as `ExactResume` has, the list of all of them."""
    everyone = list(_each(callbacks))
    for callback in everyone:
        if hasattr(callback, "set_callbacks"):
            callback.set_callbacks(everyone)


def _each(callbacks: Any) -> Iterator[Any]:
    """Each callback of those that `fit` takes: one, lists and `CallbackList`s of them, or None."""
    for callback in tf.nest.flatten(callbacks or []):
        if isinstance(callback, keras.callbacks.CallbackList):
            yield from _each(callback.callbacks)
        else:
            yield callback


def asks_for_bar(verbose: Any, callbacks: Any) -> bool:
    """Whether Keras would choose the progress bar of a `fit`; what the user chose is the user's."""
    chosen = any(isinstance(callback, keras.callbacks.ProgbarLogger) for callback in _each(callbacks))
    return verbose == "auto" and not chosen and keras.config.is_interactive_logging_enabled()


_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
# Keras' own batch hooks, and whether they do nothing.
_IDLE: dict[Any, Callable[[Any], bool]] = {
    **{getattr(keras.callbacks.Callback, hook): lambda _: True for hook in _BATCH_HOOKS},
    keras.callbacks.ProgbarLogger.on_train_batch_end: lambda _: True,
    keras.callbacks.ModelCheckpoint.on_train_batch_end: lambda callback: callback.save_freq == "epoch",
    keras.callbacks.BackupAndRestore.on_train_batch_end: lambda callback: callback.save_freq == "epoch",
    keras.callbacks.TensorBoard.on_train_batch_begin: lambda callback: _sums_up(callback),
    keras.callbacks.TensorBoard.on_train_batch_end: lambda callback: _sums_up(callback),
}


def _sums_up(callback: keras.callbacks.TensorBoard) -> bool:
    return callback.update_freq == "epoch" and not profiles_batches(callback)


def asks_for_batches(callbacks: Any) -> bool:
    """Whether one of the callbacks, as `fit` takes them, wants to hear of every training batch.

    Hooks may be set on the instance, as `LambdaCallback` does.
    """
    return any(map(_asks, _each(callbacks)))


def _asks(callback: Any) -> bool:
    hooks = [getattr(getattr(callback, hook), "__func__", None) for hook in _BATCH_HOOKS]
    return not all(hook in _IDLE and _IDLE[hook](callback) for hook in hooks)


def steps_at_once(x: Any, batch_size: int | None, steps_per_epoch: int | None) -> int:
    """How many training steps to run as one compiled loop over the batches of `x`, at least 1.

    An epoch must not end inside a loop, unless the data end there.
    """
    limits = [n for n in (steps_per_epoch, keras.config.max_steps_per_epoch()) if n]
    if isinstance(x, tf.data.Dataset):
        num_batches = int(x.cardinality())
        if num_batches == tf.data.UNKNOWN_CARDINALITY:
            return 1
    elif hasattr(x, "shape"):
        num_batches = -(-len(x) // (batch_size or array_batch_size(len(x), min(limits, default=None))))
    else:
        return 1
    if limits:
        return max(n for n in range(1, _MAX_STEPS_AT_ONCE + 1) if min(limits) % n == 0)
    return max(1, min(num_batches, _MAX_STEPS_AT_ONCE))
