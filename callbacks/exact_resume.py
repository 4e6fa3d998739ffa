"""`ExactResume`: a training that was killed goes on as if it never had been."""

import inspect
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from lyric_lm.checks import check_at_least_one
from lyric_lm.errors import CheckpointError
from lyric_lm.runs.checkpoint_values import is_plain
from lyric_lm.runs.checkpoints import Checkpoint, read_newest_checkpoint, write_checkpoint


class ExactResume(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes checkpoints and goes on from the newest, bit for bit as if the training had not stopped.

    Call `fit` again with the same arguments after a crash, a kill or a power cut. Restored are the model's
    variables with its seed generators, the optimizer's, the number of epochs done, and the memory of the
    other callbacks: their public attributes that hold plain values or arrays and that no constructor argument
    is named after (`EarlyStopping.wait` and `.best_weights`, `History.history`, ...). A training that a
    callback had ended stays ended. Whatever else is random must depend on the epoch's number alone, as
    `varied_batches` does; the order that `Dataset.shuffle` draws is lost with its process.

    A file that is damaged is passed over for the one before it. An epoch whose loss is no number is not kept.

    Args:
        path: the folder of the checkpoints, made at the first one; its parent must exist.
        every: epochs between two checkpoints, >= 1. The last epoch is kept too, planned or not.
        report: called with a sentence for the user, say of a damaged file.

    Raises:
        ValueError: `every` is below 1.
        CheckpointError: at the start of `fit`: no file is whole, or they are of another model.
        RunWriteError: in `fit`: a checkpoint cannot be written; the older ones stay.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> xy = np.ones((4, 2)), np.ones((4, 1))
    >>> _ = model.fit(*xy, epochs=3, verbose=0, callbacks=[ExactResume(folder)])
    >>> model.fit(*xy, epochs=5, verbose=0, callbacks=[ExactResume(folder)]).epoch
    [0, 1, 2, 3, 4]
    """

    def __init__(
        self, path: str | os.PathLike[str], *, every: int = 1, report: Callable[[str], object] = print
    ) -> None:
        super().__init__()
        check_at_least_one(every=every)
        self.path = Path(path)
        self.every = every
        self.report = report
        self.epochs_done = 0
        self.ended = False  # whether a callback ended the training before its last epoch
        self.stopped = False  # whether `stop` did
        self._stop_asked = False
        self._restored: Checkpoint | None = None
        self._callbacks: keras.callbacks.CallbackList | None = None

    def stop(self) -> None:
        """Ask for an end after the present epoch, with a checkpoint; a signal handler may call it."""
        self._stop_asked = True

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        # Keras does not tell a callback of the others, but the list of all of them is what calls this.
        caller = sys._getframe(1).f_locals.get("self")
        self._callbacks = caller if isinstance(caller, keras.callbacks.CallbackList) else None

    def on_train_begin(self, logs: Any = None) -> None:
        del logs
        if self._callbacks is not None:
            # The others' memory is kept once all of them have seen the epoch, and restored before any of them
            # uses it but after all of them forgot it. A new list, since Keras is walking along the old one.
            others = [callback for callback in self._callbacks.callbacks if callback is not self]
            self._callbacks.callbacks = [_First(self._restore_memory), *others, self]
        self.epochs_done, self.ended, self.stopped = 0, False, False
        self._restored = read_newest_checkpoint(self.path, report=self.report)
        if self._restored is None:
            return
        self._restore_variables(self._restored)
        self.epochs_done, self.ended = self._restored.epoch, self._restored.stopped
        # What `fit` reads next, as it does for `keras.callbacks.BackupAndRestore`.
        self.model._initial_epoch = max(self.epochs_done, self.params["epochs"] * self.ended)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs_done = epoch + 1
        self.ended = bool(self.model.stop_training)
        due = self.epochs_done % self.every == 0 or self.epochs_done == self.params["epochs"]
        if (due or self.ended or self._stop_asked) and self._is_good(logs):
            write_checkpoint(self.path, self._checkpoint())
        if self._stop_asked:
            self.stopped = not self.ended and self.epochs_done < self.params["epochs"]
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        self.model._initial_epoch = None
        self._callbacks, self._stop_asked = None, False

    def _is_good(self, logs: Any) -> bool:
        loss = float((logs or {}).get("loss", 0.0))
        return math.isfinite(loss) and all(np.isfinite(w).all() for w in self.model.get_weights())

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            epoch=self.epochs_done,
            stopped=self.ended,
            model=[_value(v) for v in self.model.variables],
            optimizer=[_value(v) for v in self.model.optimizer.variables],
            memory={name: memory for name, other in self._others() if (memory := memory_of(other))},
        )

    def _restore_variables(self, checkpoint: Checkpoint) -> None:
        optimizer = self.model.optimizer
        if not self.model.built:
            raise ValueError("ExactResume needs a model that is built: call it once before `fit`.")
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        pairs = [(self.model.variables, checkpoint.model), (optimizer.variables, checkpoint.optimizer)]
        for variables, values in pairs:
            there = [(value.shape, value.dtype.name) for value in values]
            here = [(tuple(v.shape), str(keras.backend.standardize_dtype(v.dtype))) for v in variables]
            if there != here:
                raise CheckpointError(
                    f"The checkpoints in {self.path} are of another model or optimizer "
                    f"({_first_difference(there, here)}): choose another folder, or build the same model."
                )
        for variables, values in pairs:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def _restore_memory(self) -> None:
        """Give the other callbacks their memory back."""
        memory = self._restored.memory if self._restored is not None else {}
        self._restored = None
        for name, other in self._others():
            for attribute, value in memory.get(name, {}).items():
                if _may_remember(other, attribute):
                    setattr(other, attribute, value)

    def _others(self) -> list[tuple[str, keras.callbacks.Callback]]:
        """The other callbacks, each with a name that is the same in the next process."""
        seen: dict[str, int] = {}
        others = []
        for callback in self._callbacks.callbacks if self._callbacks is not None else []:
            if callback is self or isinstance(callback, (_First, keras.callbacks.ProgbarLogger)):
                continue
            kind = type(callback).__name__
            seen[kind] = seen.get(kind, 0) + 1
            others.append((f"{kind} {seen[kind]}", callback))
        return others


def memory_of(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """What a callback has to remember from epoch to epoch.

    Its public attributes that hold plain values or arrays; those named after an argument of its constructor
    are settings, and no memory.

    >>> sorted(memory_of(keras.callbacks.EarlyStopping()))
    ['best', 'best_weights', 'monitor_op', 'stopped_epoch', 'wait']
    """
    return {
        name: value
        for name, value in vars(callback).items()
        if _may_remember(callback, name) and is_plain(value)
    }


def _may_remember(callback: keras.callbacks.Callback, name: str) -> bool:
    settings = inspect.signature(type(callback).__init__).parameters
    return (
        not name.startswith("_")
        and name != "params"
        and name not in settings
        and not hasattr(type(callback), name)
    )


class _First(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls a function before any other callback hears of an epoch or, if there is none, of the end."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__()
        self._call = call

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del epoch, logs
        self._call()

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        self._call()


def _value(variable: Any) -> np.ndarray[Any, Any]:
    return np.array(keras.ops.convert_to_numpy(variable))


def _first_difference(there: list[Any], here: list[Any]) -> str:
    if len(there) != len(here):
        return f"{len(there)} variables there, {len(here)} here"
    index = next(i for i, (a, b) in enumerate(zip(there, here, strict=True)) if a != b)
    return f"variable {index + 1} is {there[index]} there, {here[index]} here"
