"""How many steps run at once, by `fit` or as the user says, is not seen in what `evaluate` says."""

import keras
import numpy as np
import pytest

from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary, consecutive_batches

TEXT = "abcdeabdce" * 9
VOCABULARY = Vocabulary("abcde")


@pytest.mark.parametrize(
    "num_steps", [2, 5, 11]
)  # 22, 8 and 4 batches an epoch, run in as many steps at once
def test_evaluate_says_the_same_before_in_and_after_a_fit(num_steps: int) -> None:
    keras.utils.set_random_seed(2)
    model = RNNModel(keras.layers.SimpleRNNCell(4), VOCABULARY)
    model.compile(keras.optimizers.SGD(0.0))  # so that nothing is learnt
    ids = VOCABULARY.encode(TEXT)
    held_out = consecutive_batches(ids, 1, 7)
    before = model.evaluate(held_out, verbose=0, return_dict=True)
    logs = model.fit(consecutive_batches(ids, 2, num_steps), validation_data=held_out, verbose=0).history
    after = model.evaluate(held_out, verbose=0, return_dict=True)
    for name in ("loss", "perplexity"):
        np.testing.assert_allclose([logs[f"val_{name}"][0], after[name]], before[name], rtol=1e-6)


def test_evaluate_heeds_a_change_of_steps_per_execution() -> None:
    keras.utils.set_random_seed(2)
    model = RNNModel(keras.layers.SimpleRNNCell(4), VOCABULARY)
    model.compile()
    held_out = consecutive_batches(VOCABULARY.encode(TEXT), 1, 7)  # 12 batches
    losses = []
    for steps in (1, 3, 2):
        model.steps_per_execution = steps
        losses.append(model.evaluate(held_out, verbose=0)[0])
    np.testing.assert_allclose(losses, losses[0], rtol=1e-6)
