"""How many steps `fit` runs at once is not seen in what `evaluate` says before, during and after it."""

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
