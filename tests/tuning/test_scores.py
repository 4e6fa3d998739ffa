import math

import pytest

from lyric_lm.tuning.scores import as_loss, guessing_score, worst_score


def test_the_worst_score_is_the_square_of_the_uniform_guess() -> None:
    assert worst_score("val_perplexity", 7) == 49.0
    assert guessing_score("perplexity", 7) == 7.0
    assert guessing_score("val_loss", 7) == pytest.approx(math.log(7))
    assert worst_score("loss", 7) == pytest.approx(2 * math.log(7))


def test_a_perplexity_is_a_loss_s_exponential() -> None:
    assert as_loss("val_perplexity", math.exp(2.5)) == pytest.approx(2.5)
    assert as_loss("loss", 2.5) == 2.5
