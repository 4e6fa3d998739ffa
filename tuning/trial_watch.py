"""`TrialWatch`: follows one trial, epoch by epoch."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import numpy as np

Row = dict[str, float]  # an epoch's logs


class TrialWatch(keras.callbacks.Callback):  # type: ignore[misc]
    """Remembers the best epoch and ends a trial that diverges or is hopeless.

    Args:
        objective: name of the metric to minimise.
        on_epoch: called with all rows so far after each epoch.
        hopeless: called with the objective after each epoch so far; True ends the trial.
        patience: epochs without a better objective that end the trial; None: none do.
        past: rows of the epochs before the first, where a trial goes on from an earlier one.

    Attributes:
        rows: the logs of all epochs, those of `past` included.
        best: the least objective of the trial's own epochs; infinite where none is a number.
        best_epoch: when that was, counted from 1.
        weights: the model's, after that epoch.
    """

    def __init__(
        self,
        objective: str,
        *,
        on_epoch: Callable[[list[Row]], object] | None = None,
        hopeless: Callable[[list[float]], bool] | None = None,
        patience: int | None = None,
        past: Sequence[Row] = (),
    ) -> None:
        super().__init__()
        self.rows = list(past)
        self.best, self.best_epoch = math.inf, 0
        self.weights: list[np.ndarray[Any, Any]] = []
        self.state: Literal["finished", "pruned", "diverged"] = "finished"
        self._patience = math.inf if patience is None else patience
        self._objective, self._on_epoch, self._hopeless = objective, on_epoch, hopeless

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        row = {name: float(value) for name, value in (logs or {}).items()}
        self.rows.append(row)
        if row[self._objective] < self.best:
            self.best, self.best_epoch = row[self._objective], epoch + 1
            self.weights = self.model.get_weights()
        if self._on_epoch is not None:
            self._on_epoch(self.rows)
        if not math.isfinite(row["loss"]) or not math.isfinite(row[self._objective]):
            self._stop("diverged")
        elif self._hopeless is not None and self._hopeless([r[self._objective] for r in self.rows]):
            self._stop("pruned")
        elif epoch + 1 - self.best_epoch >= self._patience:
            self._stop("finished")

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        # The loss of the last epoch does not know of the last update.
        if not all(np.isfinite(weight).all() for weight in self.model.get_weights()):
            self._stop("diverged")

    def _stop(self, state: Literal["finished", "pruned", "diverged"]) -> None:
        self.state = state
        self.model.stop_training = True
