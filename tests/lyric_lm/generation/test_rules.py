"""Every rule with every sampler: what must not come, never does."""

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyric_lm import (
    Beam,
    Greedy,
    MaxCopy,
    NoRepeatNgram,
    RepetitionPenalty,
    RNNModel,
    Temperature,
    TopK,
    TopP,
    generate,
    stream,
)
from lyric_lm.data import Vocabulary
from lyric_lm.originality.copy_guard import CopyGuard

SAMPLERS = [Greedy(), Temperature(0.7), TopK(4), TopP(0.9), Beam(3)]
TEXT = "abcabdabeabcfabcdefabfacbdaedbfcaefbdceabdcfabcabdabe"
VOCABULARY = Vocabulary("abcdefgh")
IDS = VOCABULARY.encode(TEXT)


@pytest.fixture(name="model", scope="module")
def _model() -> RNNModel:
    """A model that has learnt its text by heart, so that it copies unless kept from it."""
    keras.utils.set_random_seed(2)
    model = RNNModel(keras.layers.GRUCell(24), VOCABULARY, clipping_theta=None)
    model.compile(optimizer=keras.optimizers.Adam(0.02))
    model.fit(IDS[None, :-1], IDS[None, 1:], epochs=150, verbose=0)
    assert generate(model, TEXT[:3], 40) == TEXT[:43]
    return model


def longest_copied_run(text: str) -> int:
    runs = (
        len(text[i:j]) for i in range(len(text)) for j in range(i + 1, len(text) + 1) if text[i:j] in TEXT
    )
    return max(runs, default=0)


@pytest.mark.parametrize("max_copy", [3, 5, 9])
@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_no_run_of_training_text_grows_past_the_limit(model: RNNModel, sampler: Any, max_copy: int) -> None:
    rule = MaxCopy(IDS, max_copy, vocab_size=len(VOCABULARY))
    prefixes = ["abc", "d", "fab"]
    free = generate(model, prefixes, 60, sampler=sampler, seed=1)
    held = generate(model, prefixes, 60, sampler=sampler, seed=1, rules=[rule])
    copied = [longest_copied_run(text[len(prefix) :]) for prefix, text in zip(prefixes, held, strict=True)]
    assert max(copied) == max_copy  # the limit is reached, so nothing more than needed was barred
    assert max(longest_copied_run(text[len(p) :]) for p, text in zip(prefixes, free, strict=True)) > max_copy


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 4), st.randoms())
def test_the_compiled_rule_bars_what_its_numpy_reference_bars(
    ids: list[int], max_copy: int, random: Any
) -> None:
    guard = CopyGuard(ids, max_copy, vocab_size=6)
    rule = MaxCopy(ids, max_copy, vocab_size=6)
    history = np.array([[random.randint(-1, 3) for _ in range(7)] for _ in range(5)], np.int32)
    starts = [random.randrange(len(ids)) for _ in range(5)]
    for row, start in zip(history, starts, strict=True):  # rows that do occur
        piece = ids[start : start + max_copy]
        row[len(row) - len(piece) :] = piece
    barred = np.isneginf(rule.apply(np.zeros((5, 6), np.float32), history))
    np.testing.assert_array_equal(barred, guard.forbidden(history[:, -max_copy:]))


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("n", [2, 3])
def test_no_ngram_comes_twice(model: RNNModel, sampler: Any, n: int) -> None:
    prefixes = ["abc", "e"]
    texts = generate(model, prefixes, 25, sampler=sampler, seed=0, rules=[NoRepeatNgram(n)])
    for prefix, text in zip(prefixes, texts, strict=True):
        generated = text[len(prefix) :]
        ngrams = [generated[i : i + n] for i in range(len(generated) - n + 1)]
        assert len(set(ngrams)) == len(ngrams)


def test_when_every_ngram_has_been_used_none_is_barred() -> None:
    logits = np.zeros((1, 3), np.float32)
    history = np.array([[-1, 0, 0, 1, 0, 2, 0]], np.int32)
    np.testing.assert_array_equal(NoRepeatNgram(2).apply(logits, history), logits)
    np.testing.assert_array_equal(
        NoRepeatNgram(2).apply(logits, np.array([[-1, -1, 0, 0, 1, 1, 0]], np.int32)), [[-np.inf, -np.inf, 0]]
    )


def test_ngrams_of_one_character_bar_every_character_used() -> None:
    barred = NoRepeatNgram(1).apply(np.zeros((2, 4), np.float32), np.array([[-1, 1], [3, 0]], np.int32))
    np.testing.assert_array_equal(np.isneginf(barred), [[0, 1, 0, 0], [1, 0, 0, 1]])


def test_the_penalty_divides_positive_and_multiplies_negative_logits_of_used_characters() -> None:
    logits = np.array([[2.0, -2.0, 3.0, -3.0]], np.float32)
    lowered = RepetitionPenalty(2.0).apply(logits, np.array([[-1, 0, 1, 0]], np.int32))
    np.testing.assert_allclose(lowered, [[1.0, -4.0, 3.0, -3.0]])


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("copying_first", [True, False])
def test_copying_stays_barred_beside_a_rule_that_gives_way(
    model: RNNModel, sampler: Any, copying_first: bool
) -> None:
    # In eight characters every pair has soon been used, so the other rule must let some come again.
    rules = [MaxCopy(IDS, 1, vocab_size=len(VOCABULARY)), NoRepeatNgram(2)]
    text = generate(model, "abc", 60, sampler=sampler, seed=1, rules=rules if copying_first else rules[::-1])
    assert longest_copied_run(text[3:]) == 1


@pytest.mark.parametrize("sampler", [Greedy(), Temperature(0.7)], ids=lambda s: type(s).__name__)
def test_with_its_history_a_text_goes_on_as_if_never_interrupted(model: RNNModel, sampler: Any) -> None:
    rules = [RepetitionPenalty(1.3), NoRepeatNgram(3), MaxCopy(IDS, 4, vocab_size=len(VOCABULARY))]
    whole = "".join(stream(model, "abc", 32, sampler=sampler, seed=1, rules=rules))
    random, text, history = np.random.default_rng(1), "abc", np.empty(0, np.int32)
    for _ in range(4):
        # The generator goes on too: `stream` seeds one of its own with what it is given.
        line = "".join(stream(model, text, 8, sampler=sampler, seed=random, rules=rules, history=history))  # type: ignore[arg-type]
        text, history = text + line, np.append(history, VOCABULARY.encode(line))
    assert text == "abc" + whole


def test_characters_that_the_model_did_not_write_are_no_history(model: RNNModel) -> None:
    rules = [NoRepeatNgram(3), MaxCopy(IDS, 4, vocab_size=len(VOCABULARY))]
    afresh = "".join(stream(model, TEXT[:9], 20, rules=rules))
    assert "".join(stream(model, TEXT[:9], 20, rules=rules, history=[-1] * 9)) == afresh
    own = "".join(stream(model, TEXT[:9], 20, rules=rules, history=VOCABULARY.encode(TEXT[:9])))
    assert afresh[0] == TEXT[9] != own[0]  # of its own, nine characters in a row would be copied


def test_rules_compose_and_copying_is_barred_first(model: RNNModel) -> None:
    rules = [RepetitionPenalty(1.3), NoRepeatNgram(3), MaxCopy(IDS, 4, vocab_size=len(VOCABULARY))]
    text = generate(model, "a", 120, sampler=Temperature(1.0), seed=4, rules=rules)[1:]
    assert longest_copied_run(text) <= 4


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RepetitionPenalty(0.9), "`penalty` must be at least 1"),
        (lambda: NoRepeatNgram(0), "`n` must be at least 1"),
        (lambda: MaxCopy(IDS, 0, vocab_size=8), "`max_copy` must be at least 1"),
        (lambda: MaxCopy([0, 0, 1, 1, 0, 2, 0], 1, vocab_size=4), "`max_copy` is too low"),
    ],
)
def test_a_setting_out_of_range_is_named(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_rules_of_one_content_are_equal_so_the_second_compiles_nothing() -> None:
    def rule(ids: Any = IDS, max_copy: int = 4, vocab_size: int = len(VOCABULARY)) -> MaxCopy:
        return MaxCopy(np.array(ids), max_copy, vocab_size=vocab_size)

    assert rule() == rule()
    assert hash(rule()) == hash(rule())
    assert rule() not in (rule(IDS[1:]), rule(max_copy=5), rule(vocab_size=len(VOCABULARY) + 1), "rule")
    model = RNNModel(keras.layers.SimpleRNNCell(4), VOCABULARY)
    texts = [generate(model, VOCABULARY.characters[0], 20, rules=[rule()]) for _ in range(2)]
    assert texts[0] == texts[1]
    assert len(model.__dict__["_compiled_functions"]) == 2  # the loop and the warm-up
