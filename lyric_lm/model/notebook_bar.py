"""`NotebookBar`: what `fit` shows in a notebook, one progress bar for all epochs."""

import sys
import time
from collections.abc import Mapping
from typing import Any

import keras

_WIDTH = 20  # characters of a bar of text
_EVERY = 0.2  # seconds between two updates


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, Jupyter's or a hosted one's."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def text_bar(done: float, epochs: int) -> str:
    """A bar of characters.

    Args:
        done: epochs that are over, in [0, `epochs`].
        epochs: of the whole training.

    >>> text_bar(1.5, 3)
    '██████████░░░░░░░░░░ epoch 1 of 3'
    """
    full = int(_WIDTH * done / epochs)
    return f"{'█' * full}{'░' * (_WIDTH - full)} epoch {int(done)} of {epochs}"


class NotebookBar(keras.callbacks.Callback):  # type: ignore[misc]
    """One line that `fit` keeps up to date: the epoch, its figures and the time left.

    Keras' own bar is a new one each epoch: 250 epochs are 500 lines of a notebook. At the end the line holds
    no times, so that a notebook run again is the same but for its figures.
    """

    def on_train_begin(self, logs: Any = None) -> None:
        del logs
        from IPython.display import display

        self._first: int | None = None  # epoch of this `fit`, which may go on with another's
        self._epoch, self._figures = 0, ""
        self._start = self._shown = time.perf_counter()
        handle: Any = display(self._line(0.0), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._handle = handle

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del logs
        self._first = epoch if self._first is None else self._first
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        del logs
        if self.params.get("steps"):
            self._move(self._epoch + (batch + 1) / self.params["steps"])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._figures = _figures(logs or {})
        self._move(epoch + 1)

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        if self._first is not None:
            self._handle.update(self._line(self._epoch + 1), raw=True)

    def _move(self, done: float) -> None:
        now = time.perf_counter()
        if now - self._shown >= _EVERY and done > (first := self._first or 0):
            self._shown = now
            left = (now - self._start) / (done - first) * (self.params["epochs"] - done)
            self._handle.update(self._line(done, f", {left:.0f} s left"), raw=True)

    def _line(self, done: float, left: str = "") -> dict[str, str]:
        """The line as notebooks take it, after so many epochs."""
        epochs, text = self.params["epochs"], f"{self._figures}{left}"
        html = f'<progress max="{epochs}" value="{done:.2f}"></progress> epoch {int(done)} of {epochs}{text}'
        return {"text/plain": text_bar(done, epochs) + text, "text/html": html}


def _figures(logs: Mapping[str, Any]) -> str:
    return "".join(f", {name} {value:.4g}" for name, value in logs.items() if isinstance(value, float))
