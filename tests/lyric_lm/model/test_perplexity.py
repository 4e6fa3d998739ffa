"""The metric by itself, in a stock model."""

import keras
import numpy as np
import pytest

from lyric_lm.model.perplexity import Perplexity


def test_it_is_the_exponential_of_the_weighted_mean_and_starts_over() -> None:
    metric = Perplexity()
    for loss, characters in [(2.0, 3), (5.0, 1)]:
        metric.update_state(loss, sample_weight=characters)
    assert float(metric.result()) == pytest.approx(np.exp((2.0 * 3 + 5.0) / 4))
    metric.reset_state()
    assert float(metric.result()) == 1


def test_it_can_be_saved_by_name() -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(Perplexity("doubt")))
    assert isinstance(again, Perplexity)
    assert again.name == "doubt"
