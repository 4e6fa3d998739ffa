"""Scores against a softmax by hand over the whole text, and against the n-grams' own functions."""

import math
import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from lyric_lm.data import CorpusError, Vocabulary, load_lyrics
from lyric_lm.evaluation.ngrams import WittenBell
from lyric_lm.evaluation.scoring import Score, compare, surprisals
from lyric_lm.model.rnn_model import RNNModel

H = 4


def tiny_model(vocabulary: Vocabulary) -> RNNModel:
    keras.utils.set_random_seed(3)
    model = RNNModel(keras.layers.GRUCell(H, kernel_initializer="normal"), vocabulary, embedding_dim=3)
    for weight in model.trainable_weights:
        weight.assign(keras.random.normal(weight.shape, seed=7))
    return model


def by_hand(model: RNNModel, sequence: NDArray[np.int32], num_targets: int) -> NDArray[np.float64]:
    """Surprisal of the last targets, from one pass over the whole sequence and a softmax in float64."""
    whole = tf.function(lambda ids: model(ids)[0])  # a graph: step by step, a thousand steps take long
    logits = whole(tf.constant(sequence[None, :-1])).numpy()[0].astype(np.float64)
    probs = np.exp(logits - logits.max(-1, keepdims=True))
    probs /= probs.sum(-1, keepdims=True)
    scored: NDArray[np.float64] = -np.log(probs[np.arange(len(probs)), sequence[1:]])
    return scored[-num_targets:]


@pytest.fixture(scope="module")
def model() -> RNNModel:
    return tiny_model(Vocabulary("abcde", unknown=True))


@pytest.mark.parametrize(("num_context", "num_ids"), [(1, 1), (1, 256), (5, 257), (300, 601), (1024, 9)])
def test_every_character_is_scored_after_all_those_before_it(
    model: RNNModel, num_context: int, num_ids: int
) -> None:
    ids = np.random.default_rng(num_ids).integers(0, 6, num_context + num_ids).astype(np.int32)

    scored = surprisals(model, ids[num_context:], context=ids[:num_context])

    assert scored.shape == (num_ids,)
    assert scored.dtype == np.float64
    np.testing.assert_allclose(scored, by_hand(model, ids, num_ids), rtol=2e-5, atol=2e-5)


def test_a_long_context_counts_by_its_last_1024_characters(model: RNNModel) -> None:
    ids = np.random.default_rng(0).integers(0, 6, 1500).astype(np.int32)
    np.testing.assert_allclose(
        surprisals(model, ids[1400:], context=ids[:1400]),
        by_hand(model, ids[376:], 100),
        rtol=2e-5,
        atol=2e-5,
    )


@pytest.mark.parametrize(("ids", "context", "name"), [([], [1], "ids"), ([1], [], "context")])
def test_a_score_needs_a_target_and_something_before_it(
    model: RNNModel, ids: list[int], context: list[int], name: str
) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must hold at least one id"):
        surprisals(model, ids, context=context)


def test_perplexity_and_bits_of_known_and_of_all_targets() -> None:
    score = Score("m", np.log([2.0, 8.0, 64.0]), np.array([True, True, False]))
    assert score.bits == pytest.approx(10 / 3)
    assert score.perplexity == pytest.approx(2 ** (10 / 3))
    assert score.known_bits == pytest.approx(2)
    assert score.known_perplexity == pytest.approx(4)


def test_the_model_and_the_ngrams_score_the_same_targets(model: RNNModel) -> None:
    training_text, text = "abcabdeacbe", "bcxada"
    own, bigram, trigram = compare(
        model, text, training_text=training_text, context=training_text, orders=[2, 3]
    )
    ids, training_ids = model.vocabulary.encode(text), model.vocabulary.encode(training_text)
    np.testing.assert_allclose(own.surprisals, surprisals(model, ids, context=training_ids))
    for order, score in ((2, bigram), (3, trigram)):
        ngram = WittenBell(training_ids, order, vocab_size=6)
        np.testing.assert_allclose(score.surprisals, -ngram.log_probs(ids, context=training_ids))
        assert score.name == f"{order}-gram"
    assert own.known.tolist() == [True, True, False, True, True, True]


def test_without_a_text_before_it_the_first_character_is_no_target(model: RNNModel) -> None:
    own, bigram = compare(model, "abcd", training_text="abcde", orders=[2])
    assert len(own.surprisals) == len(bigram.surprisals) == 3
    ids = model.vocabulary.encode("abcd")
    np.testing.assert_allclose(own.surprisals, surprisals(model, ids[1:], context=ids[:1]))


def test_a_model_without_an_unknown_token_holds_an_unknown_character_impossible() -> None:
    model = tiny_model(Vocabulary("abcde"))

    own, bigram = compare(model, "bxcyya", training_text="abcde", context="dxe", orders=[2])

    assert own.perplexity == math.inf
    assert np.isinf(own.surprisals).tolist() == [False, True, False, True, True, False]
    readable = model.vocabulary.encode("debca")
    np.testing.assert_allclose(
        own.surprisals[own.known], by_hand(model, readable, num_targets=3), rtol=2e-5, atol=2e-5
    )
    assert math.isfinite(bigram.perplexity)


@pytest.mark.parametrize(("text", "num_known"), [("xa", 1), ("xab", 2)])
def test_a_first_known_character_with_nothing_known_before_it_counts_as_a_draw_from_all(
    text: str, num_known: int
) -> None:
    own, *_ = compare(tiny_model(Vocabulary("abcde")), text, training_text="abcde", orders=[1])
    assert own.known.sum() == num_known
    assert own.surprisals[0] == pytest.approx(math.log(5))


@pytest.mark.parametrize(("text", "context"), [("", "a"), ("a", "")])
def test_a_text_with_no_target_is_refused(model: RNNModel, text: str, context: str) -> None:
    with pytest.raises(CorpusError, match="at least two characters"):
        compare(model, text, training_text="abcde", context=context)


def test_a_text_with_no_known_character_is_refused(model: RNNModel) -> None:
    with pytest.raises(CorpusError, match="None of the text's 3 characters is among the 5"):
        compare(model, "axyz", training_text="abcde")


@pytest.mark.skipif(not os.environ.get("LYRIC_LM_DATA"), reason="needs the Jay Chou corpus in $LYRIC_LM_DATA")
def test_the_bigram_of_the_jaychou_corpus_reaches_its_known_figures() -> None:
    training, validation = load_lyrics("jaychou").split(0.1)
    model = RNNModel(keras.layers.SimpleRNNCell(H), training.vocabulary, embedding_dim=3)

    _, bigram = compare(
        model, validation.text, training_text=training.text, context=training.text, orders=[2]
    )

    assert bigram.perplexity == pytest.approx(234.0, abs=0.2)
    assert bigram.known_perplexity == pytest.approx(193.5, abs=0.2)
