"""Witten-Bell n-grams against the definition, counted anew in dictionaries."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyric_lm.evaluation.ngrams import WittenBell

V = 5


def brute_force(ids: list[int], history: list[int], target: int, order: int) -> float:
    """P(target | history) straight from the definition, counting anew at every call."""
    probability = 1 / V
    for length in range(min(order - 1, len(history)) + 1):
        context = history[len(history) - length :]
        followers = Counter(ids[t] for t in range(length, len(ids)) if ids[t - length : t] == context)
        if followers:
            total, kinds = sum(followers.values()), len(followers)
            probability = (followers[target] + kinds * probability) / (total + kinds)
    return probability


# Id 4 never occurs in training: it is the unknown class.
training = st.lists(st.integers(0, V - 2), min_size=1, max_size=30)
texts = st.lists(st.integers(0, V - 1), max_size=12)
orders = st.integers(1, 7)


@given(ids=training, text=texts, context=texts, order=orders)
def test_log_probs_are_those_of_the_definition(
    ids: list[int], text: list[int], context: list[int], order: int
) -> None:
    model = WittenBell(np.array(ids, np.int32), order, vocab_size=V)
    expected = [brute_force(ids, context + text[:i], target, order) for i, target in enumerate(text)]
    log_probs = model.log_probs(np.array(text, np.int32), context=np.array(context, np.int32))
    assert log_probs.dtype == np.float64
    assert log_probs.shape == (len(text),)
    np.testing.assert_allclose(np.exp(log_probs), expected, rtol=1e-12)


@given(ids=training, context=texts, order=orders)
def test_a_distribution_is_that_of_the_definition_and_sums_to_one(
    ids: list[int], context: list[int], order: int
) -> None:
    distribution = WittenBell(ids, order, vocab_size=V).distribution(context)
    assert distribution.shape == (V,)
    np.testing.assert_allclose(
        distribution, [brute_force(ids, context, w, order) for w in range(V)], rtol=1e-12
    )
    np.testing.assert_allclose(distribution.sum(), 1, rtol=1e-12)


@given(ids=training, text=texts, order=orders, cut=st.integers(0, 12))
def test_a_text_scored_in_pieces_scores_as_the_whole(
    ids: list[int], text: list[int], order: int, cut: int
) -> None:
    model = WittenBell(ids, order, vocab_size=V)
    pieces = [model.log_probs(text[:cut]), model.log_probs(text[cut:], context=text[:cut])]
    np.testing.assert_array_equal(np.concatenate(pieces), model.log_probs(text))


def test_the_unknown_class_has_a_share_of_the_uniform_distribution() -> None:
    unigram = WittenBell([0, 1, 1], 1, vocab_size=V)
    assert unigram.distribution()[4] == pytest.approx(2 / V / (3 + 2))


def test_ids_too_large_for_their_own_products_are_counted_exactly() -> None:
    vocab_size = 300
    ids = np.array([299, 298, 299, 298], np.uint16)
    wide = WittenBell(ids.astype(np.int64), 3, vocab_size=vocab_size)
    narrow = WittenBell(ids, 3, vocab_size=vocab_size)
    np.testing.assert_array_equal(narrow.log_probs(ids), wide.log_probs(ids.astype(np.int64)))


@pytest.mark.parametrize(
    ("ids", "order", "vocab_size", "message"),
    [
        ([0], 0, V, "`order` must be at least 1. Received: order=0"),
        ([0], 1, 0, "`vocab_size` must be at least 1. Received: vocab_size=0"),
        ([], 1, V, "`ids` must hold at least one id to count. Received: an empty array"),
        ([0, V], 1, V, r"`ids` must lie in \[0, 5\). Received: ids from 0 to 5"),
        ([0.0], 1, V, "`ids` must be a one-dimensional array of integers"),
    ],
)
def test_a_wrong_argument_is_named(ids: list[int], order: int, vocab_size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WittenBell(ids, order, vocab_size=vocab_size)


def test_ids_to_score_are_checked_like_those_to_count() -> None:
    model = WittenBell([0, 1], 2, vocab_size=V)
    with pytest.raises(ValueError, match=r"`ids` must lie in \[0, 5\). Received: ids from 5 to 5"):
        model.log_probs([5])
    with pytest.raises(ValueError, match=r"`context` must lie in"):
        model.log_probs([0], context=[-1])
    with pytest.raises(ValueError, match=r"`context` must lie in"):
        model.distribution([5])
