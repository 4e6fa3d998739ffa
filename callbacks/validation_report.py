"""`ValidationReport`: says how the model does on the text held out."""

import math
from collections.abc import Callable
from typing import Any

import keras

from lyric_lm.checks import check_at_least_one


class ValidationReport(keras.callbacks.Callback):  # type: ignore[misc]
    """Prints the validation perplexity every so many epochs, and the best one at the end.

        epoch 20, validation perplexity 164.2, best 163.9 in epoch 18
        best validation perplexity 162.2 in epoch 30 of 30

    Args:
        every: epochs between two lines, >= 1.
        write: called with each line.

    Raises:
        ValueError: `every` is below 1.
    """

    def __init__(self, *, every: int = 50, write: Callable[[str], object] = print) -> None:
        super().__init__()
        check_at_least_one(every=every)
        self.every = every
        self.write = write
        self.best = math.inf
        self.best_epoch = self.epochs_done = 0  # counted from 1

    def state_dict(self) -> dict[str, Any]:
        """What a resume needs: the best epoch so far, and how many are done."""
        return {"best": self.best, "best_epoch": self.best_epoch, "epochs_done": self.epochs_done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.epochs_done = state["epochs_done"]

    def on_train_begin(self, logs: Any = None) -> None:
        del logs
        self.best, self.best_epoch, self.epochs_done = math.inf, 0, 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs_done = epoch + 1
        perplexity = (logs or {}).get("val_perplexity")
        if perplexity is None:  # nothing is held out
            return
        if perplexity < self.best:
            self.best, self.best_epoch = float(perplexity), epoch + 1
        if (epoch + 1) % self.every == 0:
            best = f"best {self.best:.1f} in epoch {self.best_epoch}"
            self.write(f"epoch {epoch + 1}, validation perplexity {perplexity:.1f}, {best}")

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        if self.best_epoch:
            epochs = f"epoch {self.best_epoch} of {self.epochs_done}"
            self.write(f"best validation perplexity {self.best:.1f} in {epochs}")
