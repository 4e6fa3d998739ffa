"""What `RNNModel.fit` needs to know of callbacks and data before the first step."""

import time
from typing import Any

import keras
import tensorflow as tf

from lyric_lm.model.carried_state import CarriedState

# Enough steps in one compiled loop to hide fit's own cost per call, few enough that Ctrl-C answers soon.
_MAX_STEPS_PER_EXECUTION = 32


class ZeroState(keras.callbacks.Callback):  # type: ignore[misc]
    """Zeroes the training state at each epoch's start: the one hook that nothing else calls."""

    def __init__(self, carried: CarriedState, shapes: list[Any], batch_size: int) -> None:
        super().__init__()
        self._carried, self._shapes, self._batch_size = carried, shapes, batch_size

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del epoch, logs
        self._carried.zero(self._shapes, self._batch_size)


class NumberEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells a dataset that changes with the epoch (`varied_batches`) which one it is."""

    def __init__(self, epoch: tf.Variable) -> None:
        super().__init__()
        self._epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del logs
        self._epoch.assign(epoch)


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


def asks_for_batches(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback wants to hear of every training batch."""
    if isinstance(callback, keras.callbacks.TensorBoard):
        return bool(callback.update_freq != "epoch")
    if isinstance(callback, (keras.callbacks.ModelCheckpoint, keras.callbacks.BackupAndRestore)):
        return bool(callback.save_freq != "epoch")
    return any(
        getattr(type(callback), hook) is not getattr(keras.callbacks.Callback, hook)
        for hook in ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    )


def steps_per_execution_for(x: Any) -> int:
    """How many training steps to run as one compiled loop over the batches of `x`."""
    cardinality = int(x.cardinality()) if isinstance(x, tf.data.Dataset) else _MAX_STEPS_PER_EXECUTION
    return max(1, min(cardinality, _MAX_STEPS_PER_EXECUTION))
