"""`EpochProgress`: tells whoever draws a progress bar of each epoch; `Watch` gives a training one."""

from collections.abc import Callable
from typing import Any

import keras

Watch = Callable[[str, int], list[keras.callbacks.Callback]]
"""Called with a training's name and its epochs, for callbacks that only look on."""


def unwatched(name: str, epochs: int) -> list[keras.callbacks.Callback]:
    """A `Watch` that has no callbacks."""
    del name, epochs
    return []


class EpochProgress(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls a function with the number of epochs done and the perplexity, as text.

    Args:
        update: called as `update(epochs_done, perplexity)` after each epoch.
    """

    def __init__(self, update: Callable[[int, str], object]) -> None:
        super().__init__()
        self.update = update

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.update(epoch + 1, f"{(logs or {})['perplexity']:.3f}")

    def state_dict(self) -> dict[str, Any]:
        """Nothing is remembered, so that `ExactResume` need not ask."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back nothing."""
        del state
