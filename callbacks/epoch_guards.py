"""The callbacks that every training of ours has: one watches the loss, one keeps the figures."""

import math
import time
from typing import Any, Literal

import keras
import numpy as np

from lyric_lm.runs.history import History
from lyric_lm.runs.run import Run

_SECONDS_BETWEEN_WRITES = 1.0


class EndingCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """A callback that may end a training before its last epoch, and says what that is called; a base class.

    A subclass that remembers more adds it to `state_dict` and `load_state_dict`.

    Attributes:
        ending: what the training's outcome is called where this callback ended it, else None.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ending: Literal["pruned", "diverged"] | None = None

    def state_dict(self) -> dict[str, Any]:
        return {"ending": self.ending}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.ending = state.get("ending")  # a checkpoint of format 1 has none

    def end(self, ending: Literal["pruned", "diverged"]) -> None:
        """End the training after the present epoch."""
        self.ending = ending
        self.model.stop_training = True


class LastGoodModel(EndingCallback):
    """Stops at a loss that is no number, and puts back the weights of the epoch before.

    Args:
        run: what its message names; None where nothing is written.
    """

    def __init__(self, run: Run | None) -> None:
        super().__init__()
        self.epoch = 0  # the last good one, counted from 1
        self._run = run
        self._weights: list[np.ndarray[Any, Any]] = []

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "epoch": self.epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.epoch = state["epoch"]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del epoch, logs
        if not self._weights:  # of this training, or of the checkpoint that it goes on from
            self._weights = self.model.get_weights()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        weights = self.model.get_weights()
        if math.isfinite((logs or {})["loss"]) and all(np.isfinite(w).all() for w in weights):
            self.epoch, self._weights = epoch + 1, weights
        else:
            self.end("diverged")

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        # Not before: a checkpoint must not take the weights put back for those that the epoch ended with.
        if self.ending == "diverged":
            self.model.set_weights(self._weights)

    def message(self) -> str:
        """One sentence for the person who started the training."""
        kept = ""
        if self._run is not None and self.epoch:
            kept = f"The model of epoch {self.epoch} is kept in {self._run.path}."
        return (
            f"The loss is no longer a number in epoch {self.epoch + 1}: "
            f"lower the learning rate or clipping_theta. {kept}".strip()
        )


class RunHistory(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps each epoch's figures, and writes history.csv after an epoch, but at most once a second.

    The file is written whole each time, so thousands of short epochs would spend their time on it. It is
    complete at the end.

    Args:
        run: whose history it is; None writes nothing.
    """

    def __init__(self, run: Run | None) -> None:
        super().__init__()
        self.epochs: list[dict[str, float]] = []  # each one's figures
        self._run = run
        self._written = -math.inf  # time.monotonic(), seconds

    def state_dict(self) -> dict[str, Any]:
        return {"epochs": self.epochs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epochs = state["epochs"]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        del epoch
        self.epochs.append({name: float(value) for name, value in (logs or {}).items()})
        if time.monotonic() - self._written >= _SECONDS_BETWEEN_WRITES:
            self._write()

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        if self.epochs:
            self._write()

    def _write(self) -> None:
        if self._run is not None:
            self._run.write_history(History(self.epochs))
            self._written = time.monotonic()
