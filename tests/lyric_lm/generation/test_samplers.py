"""Draws against exact probabilities, and the beam against every text there is."""

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from lyric_lm.generation.samplers import Beam, Greedy, Sampler, Temperature, TopK, TopP

LOGITS = np.log(np.array([0.02, 0.4, 0.08, 0.25, 0.05, 0.2]))


def softmax(logits: Any) -> Any:
    weights = np.exp(logits - np.max(logits))
    return weights / weights.sum()


def only(kept: list[int], temperature: float) -> Any:
    masked = np.full(6, -np.inf)
    masked[kept] = LOGITS[kept] / temperature
    return softmax(masked)


EXACT = {
    "temperature 1": (Temperature(), softmax(LOGITS)),
    "temperature .5": (Temperature(0.5), softmax(LOGITS / 0.5)),
    "temperature 3": (Temperature(3.0), softmax(LOGITS / 3)),
    "the 3 likeliest": (TopK(3), only([1, 3, 5], 1)),
    "the 2 likeliest, hot": (TopK(2, temperature=2.0), only([1, 3], 2)),
    "more than there are": (TopK(99), softmax(LOGITS)),
    "p .6": (TopP(0.6), only([1, 3], 1)),
    "p .7 needs a third": (TopP(0.7), only([1, 3, 5], 1)),
    "p 1": (TopP(1.0, temperature=0.5), softmax(LOGITS / 0.5)),
    "a tiny p": (TopP(1e-6), only([1], 1)),
    "p .75 of the 3 likeliest": (TopP(0.75, k=3), only([1, 3], 1)),
    "all of the 2 likeliest": (TopP(1.0, temperature=2.0, k=2), only([1, 3], 2)),
}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", EXACT)
def test_frequencies_match_the_exact_probabilities(name: str, compiled: bool) -> None:
    sampler, exact = EXACT[name]
    rows = 20_000
    choose = tf.function(sampler.choose, jit_compile=True) if compiled else sampler.choose
    uniform = np.random.default_rng(7).random(rows, np.float32)
    ids = choose(np.tile(LOGITS, (rows, 1)).astype(np.float32), uniform).numpy()
    counts = np.bincount(ids, minlength=6)
    assert counts[exact == 0].sum() == 0
    possible = exact > 0
    if possible.sum() > 1:
        assert stats.chisquare(counts[possible], rows * exact[possible]).pvalue > 1e-3


def test_a_set_with_probability_p_to_the_bit_is_large_enough() -> None:
    half = np.float32(-np.log(2))
    nearby = [np.nextafter(half, np.float32(side)) for side in (-1, 0)]
    rows = [np.array([[0.0, x, x]], np.float32) for x in (half, *nearby)]
    exact = next(row for row in rows if tf.nn.softmax(row).numpy().tolist() == [[0.5, 0.25, 0.25]])
    for uniform in (0.0, 0.4, 0.8, 0.99):
        assert TopP(0.5).choose(exact, np.array([uniform], np.float32)).numpy().tolist() == [0]


def test_greedy_takes_the_likeliest_of_each_row() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    np.testing.assert_array_equal(Greedy().choose(logits, np.zeros(5)), logits.argmax(1))


@pytest.mark.parametrize("num_ids", [1, 2, 3, 4, 5, 9, 10, 1027])
def test_a_draw_inverts_the_cumulative_distribution(num_ids: int) -> None:
    rng = np.random.default_rng(num_ids)
    logits = rng.normal(size=num_ids).astype(np.float32)
    uniform = rng.random(400, np.float32)
    ids = Temperature().choose(np.tile(logits, (400, 1)), uniform).numpy()
    cumulative = np.cumsum(softmax(logits.astype(np.float64)))
    expected = np.searchsorted(cumulative, uniform, side="right")
    clear = np.abs(cumulative[None] - uniform[:, None]).min(1) > 1e-6  # rounding may tip the others
    np.testing.assert_array_equal(ids[clear], expected[clear])


@pytest.mark.parametrize("uniform", [0.0, 0.5, np.nextafter(np.float32(1), np.float32(0))])
@pytest.mark.parametrize("allowed", [[0], [3], [0, 5], [2, 4]])
@pytest.mark.parametrize("sampler", [Greedy(), Temperature(2.0), TopK(3), TopP(0.5)])
def test_a_barred_character_is_never_picked(sampler: Sampler, allowed: list[int], uniform: float) -> None:
    logits = np.full((1, 6), -np.inf, np.float32)
    logits[0, allowed] = LOGITS[allowed]
    assert int(sampler.choose(logits, np.array([uniform], np.float32))[0]) in allowed


@pytest.mark.parametrize("width", [1, 2, 25])
def test_a_beam_step_keeps_the_best_extensions(width: int) -> None:
    rng = np.random.default_rng(width)
    num_ids = 5
    scores = np.sort(rng.normal(size=(2, width)))[:, ::-1].astype(np.float32)
    logits = rng.normal(size=(2, width, num_ids)).astype(np.float32)
    best, parents, ids = (x.numpy() for x in Beam(width).extend(scores, logits))
    for row in range(2):
        log_probs = [np.log(softmax(logits[row, beam])) for beam in range(width)]
        pairs = itertools.product(range(width), range(num_ids))
        ranked = sorted(((scores[row, b] + log_probs[b][i], b, i) for b, i in pairs), reverse=True)[:width]
        np.testing.assert_allclose(best[row], [score for score, _, _ in ranked], atol=1e-5)
        assert list(zip(parents[row], ids[row], strict=True)) == [(b, i) for _, b, i in ranked]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Temperature(0), "`temperature` must be positive"),
        (lambda: Temperature(float("nan")), "`temperature` must be positive"),
        (lambda: TopK(0), "`k` must be at least 1"),
        (lambda: TopP(0), r"`p` must be in \(0, 1\]"),
        (lambda: TopP(1.1), r"`p` must be in \(0, 1\]"),
        (lambda: TopP(0.5, temperature=-1), "`temperature` must be positive"),
        (lambda: Beam(0), "`width` must be at least 1"),
    ],
)
def test_a_setting_out_of_range_is_named(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
