"""A cell whose texts do not start from zero: `fit` and `evaluate` start where `call` does."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary, consecutive_batches

B, T, V, H = 2, 3, 5, 4
IDS = np.random.default_rng(1).integers(0, V, 30).astype(np.int32)


class FromHalf(keras.layers.GRUCell):  # type: ignore[misc]
    """A cell whose state starts at a half."""

    def get_initial_state(self, batch_size: Any = None) -> Any:
        return [0.5 + state for state in super().get_initial_state(batch_size)]


@pytest.mark.parametrize("stateful", [True, False])
def test_a_cells_initial_state_counts_everywhere(stateful: bool) -> None:
    keras.utils.set_random_seed(2)
    model = RNNModel(FromHalf(H), Vocabulary("abcde"), stateful=stateful)
    model.compile(keras.optimizers.SGD(0.0))
    losses, state = [], None
    for ids, next_ids in consecutive_batches(IDS, B, T):
        logits, after = model(ids, state)
        losses.append(keras.losses.SparseCategoricalCrossentropy(from_logits=True)(next_ids, logits))
        state = after if stateful else None
    batches = consecutive_batches(IDS, B, T)
    history = model.fit(batches, epochs=2, validation_data=batches, verbose=0).history
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(history[name], np.mean(losses), rtol=1e-5)
    assert model.test_on_batch(IDS[None, :6], IDS[None, 1:7], return_dict=True)["loss"] == pytest.approx(
        float(model.compute_loss(None, tf.constant(IDS[None, 1:7]), model(IDS[None, :6])[0])), rel=1e-5
    )
    model.reset_state()
    for array in tf.nest.flatten(model.carried_state):
        np.testing.assert_array_equal(array, 0.5)
