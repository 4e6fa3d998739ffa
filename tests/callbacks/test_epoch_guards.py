"""The last good model is put back, whatever went wrong with the one after it."""

from typing import Any

import keras
import numpy as np
import pytest

from lyric_lm.callbacks.epoch_guards import LastGoodModel


class SpoilWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Leaves an epoch's loss as it is, and its weights no numbers."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.before: list[Any] = []
        self._value = value

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        assert np.isfinite((logs or {})["loss"])
        if epoch == 1:
            self.model.weights[-1].assign([0.0, self._value])
        else:
            self.before = self.model.get_weights()


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_weights_that_are_no_numbers_end_the_training_whatever_the_loss(value: float) -> None:
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    spoil, guard = SpoilWeights(value), LastGoodModel(None)
    xy = np.eye(5), np.ones((5, 2))
    assert model.fit(*xy, epochs=4, verbose=0, callbacks=[spoil, guard]).epoch == [0, 1]
    assert (guard.ending, guard.epoch) == ("diverged", 1)
    np.testing.assert_equal(model.get_weights(), spoil.before, strict=True)
