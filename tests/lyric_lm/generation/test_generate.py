"""Whole texts: against the chapter's own loop in plain Python, and against every text there is."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm import (
    Beam,
    Greedy,
    NoRepeatNgram,
    RepetitionPenalty,
    RNNModel,
    Temperature,
    TopK,
    TopP,
    generate,
    stream,
)
from lyric_lm.data import UnknownCharacterError, Vocabulary

V, H = 6, 4
VOCABULARY = Vocabulary("abcdef")


@pytest.fixture(name="model", scope="module")
def _model() -> RNNModel:
    keras.utils.set_random_seed(5)
    # Larger weights than usual, so that texts depend on all that came before.
    model = RNNModel(keras.layers.GRUCell(H), VOCABULARY)
    model.set_weights([3 * w for w in model.get_weights()])
    return model


def chapters_prediction(model: RNNModel, prefix: str, num_chars: int) -> str:
    """The chapter's predict_rnn_keras: one character at a time, the prefix too."""
    state = None
    output = [int(model.vocabulary.encode(prefix[0])[0])]
    for t in range(num_chars + len(prefix) - 1):
        logits, state = model(np.array([[output[-1]]], np.int32), state)
        given = t < len(prefix) - 1
        output.append(
            int(model.vocabulary.encode(prefix[t + 1])[0]) if given else int(np.argmax(logits[0, 0]))
        )
    return model.vocabulary.decode(output)


@pytest.mark.parametrize("prefix", ["a", "fed", "abcabcabc"])
@pytest.mark.parametrize("num_chars", [1, 7, 64, 65])
def test_greedy_text_is_the_chapters(model: RNNModel, prefix: str, num_chars: int) -> None:
    assert generate(model, prefix, num_chars) == chapters_prediction(model, prefix, num_chars)


def test_prefixes_of_different_lengths_continue_as_each_would_alone(model: RNNModel) -> None:
    prefixes = ["abc", "f", "ea", "f", "cab"]
    assert generate(model, prefixes, 20) == [generate(model, prefix, 20) for prefix in prefixes]


@pytest.mark.parametrize("sampler", [Temperature(0.9), TopK(3), TopP(0.8)])
def test_a_seed_fixes_the_text_and_another_changes_it(model: RNNModel, sampler: Any) -> None:
    texts = [generate(model, "ab", 40, sampler=sampler, seed=seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_no_seed_gives_another_text_each_time(model: RNNModel) -> None:
    assert generate(model, "ab", 60, sampler=Temperature()) != generate(
        model, "ab", 60, sampler=Temperature()
    )


def test_many_samples_of_one_prefix_differ(model: RNNModel) -> None:
    assert len(set(generate(model, ["ab"] * 8, 30, sampler=Temperature(), seed=0))) == 8


@pytest.mark.parametrize("sampler", [None, Temperature(1.3)])
@pytest.mark.parametrize("num_chars", [1, 8, 21])
def test_streamed_pieces_are_the_generated_text(model: RNNModel, sampler: Any, num_chars: int) -> None:
    pieces = list(stream(model, "ab", num_chars, sampler=sampler, seed=3))
    assert "ab" + "".join(pieces) == generate(model, "ab", num_chars, sampler=sampler, seed=3)


def log_probability(model: RNNModel, prefix: str, text: str) -> float:
    ids = model.vocabulary.encode(prefix + text)[None]
    log_probs = tf.nn.log_softmax(model(ids[:, :-1])[0])[0].numpy()
    return float(sum(log_probs[len(prefix) - 1 + i, ids[0, len(prefix) + i]] for i in range(len(text))))


def test_a_beam_wide_enough_finds_the_likeliest_of_all_texts(model: RNNModel) -> None:
    texts = ["".join(t) for t in itertools.product("abcdef", repeat=4)]
    ids = np.stack([model.vocabulary.encode("ba" + text) for text in texts])
    log_probs = tf.nn.log_softmax(model(ids[:, :-1])[0]).numpy()[:, 1:]  # of what follows the prefix
    best = texts[np.take_along_axis(log_probs, ids[:, 2:, None], axis=2).sum(axis=(1, 2)).argmax()]
    assert generate(model, ["ba", "c"], 4, sampler=Beam(V**3))[0] == "ba" + best


def test_a_narrow_beam_equals_a_beam_search_by_hand(model: RNNModel) -> None:
    beams = [("", 0.0)]
    for _ in range(9):
        longer = [text + c for text, _ in beams for c in "abcdef"]
        beams = sorted(((t, log_probability(model, "d", t)) for t in longer), key=lambda b: -b[1])[:3]
    assert generate(model, "d", 9, sampler=Beam(3)) == "d" + beams[0][0]


def test_a_beam_of_one_is_greedy(model: RNNModel) -> None:
    assert generate(model, ["ab", "c"], 30, sampler=Beam(1)) == generate(model, ["ab", "c"], 30)


def test_weights_changed_by_training_are_seen_at_once(model: RNNModel) -> None:
    weights = model.get_weights()
    before = generate(model, "ab", 30)
    model.set_weights([-w for w in weights])
    after, by_hand = generate(model, "ab", 30), chapters_prediction(model, "ab", 30)
    model.set_weights(weights)
    assert after == by_hand != before


def test_another_length_or_prefix_compiles_nothing_anew(model: RNNModel) -> None:
    generate(model, "ab", 10)
    functions = model.__dict__["_compiled_functions"]
    counts = {key: f.experimental_get_tracing_count() for key, f in functions.items()}
    for prefix, num_chars in [("abcdef", 11), ("b", 64), ("fedcba" * 9, 33)]:
        generate(model, prefix, num_chars)
    assert {key: functions[key].experimental_get_tracing_count() for key in counts} == counts


def test_an_unknown_token_is_never_generated() -> None:
    keras.utils.set_random_seed(1)
    model = RNNModel(keras.layers.SimpleRNNCell(H), Vocabulary("ab", unknown=True))
    kernel, bias = model.dense.get_weights()
    model.dense.set_weights([kernel, np.array([0, 0, 50]) + bias])
    for sampler in (Greedy(), Temperature(5.0), TopK(3), TopP(1.0), Beam(3)):
        assert set(generate(model, "a", 50, sampler=sampler, seed=0)) <= {"a", "b"}


@pytest.mark.parametrize("unknown", [False, True])
def test_a_character_that_the_vocabulary_lacks_is_refused_by_name(unknown: bool) -> None:
    model = RNNModel(keras.layers.SimpleRNNCell(H), Vocabulary("ab", unknown=unknown))
    with pytest.raises(UnknownCharacterError, match="'龘'"):
        generate(model, "a龘", 5)


@pytest.mark.parametrize(
    ("prefix", "num_chars", "name"), [("", 5, "prefix"), (["a", ""], 5, "prefix"), ("a", 0, "num_chars")]
)
def test_an_empty_prefix_or_length_is_refused(
    model: RNNModel, prefix: Any, num_chars: int, name: str
) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must"):
        generate(model, prefix, num_chars)


def test_no_prefixes_give_no_texts(model: RNNModel) -> None:
    assert generate(model, [], 5) == []


def test_a_beam_cannot_be_streamed(model: RNNModel) -> None:
    with pytest.raises(ValueError, match="cannot be a Beam"):
        next(stream(model, "a", 5, sampler=Beam(2)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sampler": Temperature}, r"`sampler` must be.*made by a call, say lyric_lm\.Temperature\(0\.8\)"),
        ({"sampler": "greedy"}, "`sampler` must be.*Received: sampler='greedy'"),
        ({"rules": NoRepeatNgram(2)}, "`rules` must be a list of rules"),
        ({"rules": [NoRepeatNgram]}, "`rules` must be.*made by a call"),
        ({"rules": ["no repeats"]}, "`rules` must be"),
        ({"num_chars": 5.0}, r"`num_chars` must be a whole number.*num_chars=5\.0"),
        ({"prefix": b"ab"}, "`prefix` must be a string"),
        ({"prefix": ["a", 3]}, "`prefix` must be a string"),
    ],
)
def test_an_argument_of_another_kind_is_named(model: RNNModel, options: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        generate(model, **{"prefix": "ab", "num_chars": 5, **options})


def test_numpys_numbers_and_strings_are_as_good_as_pythons(model: RNNModel) -> None:
    pairs: list[Any] = [
        (TopK(3, 0.5), TopK(np.int64(3), np.float32(0.5))),  # type: ignore[arg-type]
        (TopP(0.5), TopP(np.float64(0.5))),
        (Beam(3), Beam(np.int32(3))),  # type: ignore[arg-type]
    ]
    numbers: dict[str, Any] = {"num_chars": np.int64(9), "prefix": np.array(["ab", "c"]), "seed": np.int64(2)}
    numbers["rules"] = [NoRepeatNgram(np.uint8(3)), RepetitionPenalty(np.float64(1.25))]  # type: ignore[arg-type]
    rules = [NoRepeatNgram(3), RepetitionPenalty(1.25)]
    for mine, numpys in pairs:
        expected = generate(model, ["ab", "c"], 9, sampler=mine, rules=rules, seed=2)
        assert generate(model, sampler=numpys, **numbers) == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.uint64])
def test_ids_may_be_integers_of_any_width(model: RNNModel, dtype: Any) -> None:
    ids = np.array([[0, 3, 5, 1]])
    np.testing.assert_array_equal(model(ids.astype(dtype))[0], model(ids.astype(np.int32))[0])
