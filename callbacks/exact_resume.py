"""`ExactResume`: a training that was killed goes on as if it never had been."""

import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from lyric_lm.callbacks.keras_internals import begin_at
from lyric_lm.callbacks.memory import (
    check_rememberable,
    load_state,
    names_of,
    state_of,
    whose_memory_to_keep,
)
from lyric_lm.checks import check_at_least_one
from lyric_lm.errors import CheckpointError
from lyric_lm.model.replicas import is_chief, is_same_everywhere
from lyric_lm.model.stateful_model import StatefulModel
from lyric_lm.runs.checkpoints import Checkpoint, read_newest_checkpoint, write_checkpoint


class ExactResume(keras.callbacks.History):  # type: ignore[misc]
    """Writes checkpoints and goes on from the newest, bit for bit as if the training had not stopped.

    Call `fit` again with the same arguments after a crash, a kill or a power cut. Kept are the model's
    variables with its seed generators, the optimizer's, the number of epochs done, the history that `fit`
    returns, which is this object, and what the callbacks of that `fit` say that they remember. A training
    that a callback had ended stays ended. Whatever else is random must depend on the epoch's number alone, as
    `varied_batches` does; the order that `Dataset.shuffle` draws is lost with its process.

    A callback of your own says what it remembers in two methods, `state_dict` and `load_state_dict`: see
    `lyric_lm.callbacks.memory.Remembers`. Keras' own, as `EarlyStopping`, need not. `RNNModel.fit` says which
    callbacks it has; a model that is not ours does not, so there they are named in `remember`. Whose memory
    is not kept is reported before the first step.

    A file that is damaged is passed over for the one before it. An epoch whose loss or weights are no numbers
    is not kept.

    Args:
        folder: of the checkpoints, made at the first one; its parent must exist.
        remember: callbacks of the same `fit` whose memory is kept, [] if none has one; None: all of them that
            say what they remember. This one comes after them, the last in the list, so that it sees what each
            of them did with an epoch.
        every: epochs between two checkpoints, >= 1. The last epoch is kept too, planned or not.
        report: called with a sentence for the user, say of a damaged file.

    Raises:
        ValueError: `every` is below 1, or one of `remember` does not say what it remembers; at the start of
            `fit`: one to remember is not in its list, or not before this one, or remembers what cannot be
            kept.
        CheckpointError: at the start of `fit`: no file is whole, or they are of another model.
        RunWriteError: in `fit`: a checkpoint cannot be written; the older ones stay.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> xy = np.ones((4, 2)), np.ones((4, 1))
    >>> def train(epochs):
    ...     callbacks = [keras.callbacks.EarlyStopping("loss", patience=2)]
    ...     callbacks.append(ExactResume(folder, remember=callbacks))
    ...     return model.fit(*xy, epochs=epochs, verbose=0, callbacks=callbacks)
    >>> train(3).epoch, train(5).epoch
    ([0, 1, 2], [0, 1, 2, 3, 4])
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        remember: Sequence[keras.callbacks.Callback] | None = None,
        *,
        every: int = 1,
        report: Callable[[str], object] = print,
    ) -> None:
        super().__init__()
        check_at_least_one(every=every)
        self.folder = Path(folder)
        self.remember = None if remember is None else list(keras.tree.flatten(remember))
        check_rememberable(self.remember or [])
        self.every = every
        self.report = report
        self.epochs_done = 0
        self.ended = False  # whether a callback ended the training before its last epoch
        self.stopped = False  # whether `stop` did
        self._stop_asked = False
        self._kept: list[keras.callbacks.Callback] = []  # whose memory is kept in the present `fit`
        self._before: list[keras.callbacks.Callback] = []  # which of `remember` come before this one
        self._all: list[keras.callbacks.Callback] | None = None  # of the `fit` that begins; None: not known

    def stop(self) -> None:
        """Ask for an end after the present epoch, with a checkpoint; a signal handler may call it."""
        self._stop_asked = True

    def state_dict(self) -> dict[str, Any]:
        """The history, as `remember` would keep it for another one's."""
        return {"epoch": self.epoch, "history": self.history}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self.epoch, self.history = state["epoch"], state["history"]

    def set_callbacks(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """Hear from `RNNModel.fit` which callbacks it has, in their order."""
        self._all = list(callbacks)

    def set_params(self, params: Any) -> None:
        super().set_params(params)
        # Keras hands each `fit`'s callbacks one and the same dict, in their order.
        self._before = [c for c in self.remember or [] if c.params is params]

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        self.history, self.epochs_done, self.ended, self.stopped = {}, 0, False, False
        self._kept = self._chosen()
        self._memory()  # what cannot be kept is said now
        checkpoint = read_newest_checkpoint(self.folder, report=self.report)
        self._check_workers(checkpoint)
        if checkpoint is None:
            return
        self._restore_variables(checkpoint)
        self._restore_memory(checkpoint)
        self.epochs_done, self.ended = checkpoint.epoch, checkpoint.stopped
        begin_at(self.model, sys.maxsize if self.ended else self.epochs_done)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_end(epoch, logs)
        self.epochs_done = epoch + 1
        self.ended = bool(self.model.stop_training)
        is_last = self.epochs_done == (self.params or {}).get("epochs")
        due = is_last or self.epochs_done % self.every == 0
        due = due or self.ended or self._stop_asked
        if due and is_chief(self._strategy) and self._is_good(logs):
            write_checkpoint(self.folder, self._checkpoint())
        if self._stop_asked:
            self.stopped = not (self.ended or is_last)
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        self._stop_asked = False

    @property
    def _strategy(self) -> Any:
        """Of a model of ours: of several workers only the chief writes, and all read."""
        return self.model.strategy if isinstance(self.model, StatefulModel) else None

    def _check_workers(self, checkpoint: Checkpoint | None) -> None:
        epoch = 0 if checkpoint is None else checkpoint.epoch
        if not is_same_everywhere(self._strategy, epoch):
            raise CheckpointError(
                f"The workers do not all find the same checkpoints in {self.folder}, this one finds epoch "
                f"{epoch}: give all of them the same folder, on a disk that they share."
            )

    def _chosen(self) -> list[keras.callbacks.Callback]:
        everyone, self._all = self._all, None
        before = self._before if everyone is None else everyone[: everyone.index(self)]
        others = None if everyone is None else [callback for callback in everyone if callback is not self]
        kept = whose_memory_to_keep(self.remember, others, report=self.report)
        if late := [callback for callback in kept if callback not in before]:
            raise ValueError(
                "ExactResume must come last in the list of callbacks, after each one that it remembers. "
                f"Received not before it: {names_of(late)}"
            )
        return kept

    def _is_good(self, logs: Any) -> bool:
        loss = float((logs or {}).get("loss", 0.0))
        return math.isfinite(loss) and all(np.isfinite(w).all() for w in self.model.get_weights())

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            epoch=self.epochs_done,
            stopped=self.ended,
            model=[_value(v) for v in self.model.variables],
            optimizer=[_value(v) for v in self.model.optimizer.variables],
            memory=self._memory(),
        )

    def _memory(self) -> dict[str, dict[str, Any]]:
        return {name: state_of(callback) for name, callback in self._owners().items()}

    def _owners(self) -> dict[str, Any]:
        """This history and the callbacks, each with a name that is the same in the next process."""
        seen: dict[str, int] = {}
        owners = {}
        for kind, callback in [("History", self), *((type(c).__name__, c) for c in self._kept)]:
            seen[kind] = seen.get(kind, 0) + 1
            owners[f"{kind} {seen[kind]}"] = callback
        return owners

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
                    f"The checkpoints in {self.folder} are of another model or optimizer "
                    f"({_first_difference(there, here)}): choose another folder, or build the same model."
                )
        for variables, values in pairs:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def _restore_memory(self, checkpoint: Checkpoint) -> None:
        for name, callback in self._owners().items():
            if name in checkpoint.memory:
                load_state(callback, checkpoint.memory[name])
            elif state_of(callback):
                self.report(f"The checkpoints in {self.folder} do not know {name}: it starts anew.")


def _value(variable: Any) -> np.ndarray[Any, Any]:
    return np.array(keras.ops.convert_to_numpy(variable))


def _first_difference(there: list[Any], here: list[Any]) -> str:
    if len(there) != len(here):
        return f"{len(there)} variables there, {len(here)} here"
    index = next(i for i, (a, b) in enumerate(zip(there, here, strict=True)) if a != b)
    return f"variable {index + 1} is {there[index]} there, {here[index]} here"
