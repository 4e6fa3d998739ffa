"""The vocabulary against a brute-force dictionary."""

import copy
import json
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyric_lm.data import UnknownCharacterError, Vocabulary

SCALARS = st.characters(exclude_categories=["Cs"])  # every code point but the surrogates
TEXTS = st.text(SCALARS, min_size=1)


def brute_force_ids(text: str, known: str, *, unknown: bool = False) -> list[int]:
    ids: dict[str, int] = {}
    for character in sorted(set(known)):
        ids[character] = len(ids)
    return [ids.get(character, len(ids)) if unknown else ids[character] for character in text]


@given(TEXTS)
def test_encoding_equals_a_dictionary_and_decoding_undoes_it(text: str) -> None:
    vocabulary = Vocabulary.from_text(text)

    ids = vocabulary.encode(text)

    assert ids.dtype == np.int32
    assert ids.tolist() == brute_force_ids(text, text)
    assert vocabulary.decode(ids) == text


@given(TEXTS, st.text(SCALARS))
def test_unseen_characters_take_the_last_id_and_decode_to_the_replacement_character(
    known: str, text: str
) -> None:
    vocabulary = Vocabulary.from_text(known, unknown=True)

    ids = vocabulary.encode(text)

    assert ids.tolist() == brute_force_ids(text, known, unknown=True)
    assert vocabulary.unknown_id == len(vocabulary) - 1 == len(set(known))
    assert vocabulary.decode(ids) == "".join(c if c in known else "\ufffd" for c in text)


@given(TEXTS, st.text())
def test_missing_names_each_unknown_character_once_in_order_of_appearance(known: str, text: str) -> None:
    expected = "".join(dict.fromkeys(c for c in text if c not in known))

    for unknown in (False, True):
        assert Vocabulary.from_text(known, unknown=unknown).missing(text) == expected


@given(TEXTS, st.booleans())
def test_json_and_configuration_round_trip(text: str, unknown: bool) -> None:
    vocabulary = Vocabulary.from_text(text, unknown=unknown)

    assert vocabulary.to_json().isascii()
    for again in (Vocabulary.from_json(vocabulary.to_json()), Vocabulary.from_config(vocabulary.to_config())):
        assert again == vocabulary
        assert hash(again) == hash(vocabulary)
        assert again.sha256 == vocabulary.sha256


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=6,
)
NEARLY_RIGHT = st.fixed_dictionaries(
    {"characters": st.lists(JSON_VALUES, max_size=3) | JSON_VALUES, "unknown": JSON_VALUES}
)


@given(st.text() | (JSON_VALUES | NEARLY_RIGHT).map(json.dumps))
def test_from_json_gives_what_was_written_or_a_value_error(text: str) -> None:
    try:
        vocabulary = Vocabulary.from_json(text)
    except ValueError:
        return
    assert json.loads(vocabulary.to_json()) == json.loads(text)


@pytest.mark.parametrize(
    "config",
    [
        {"characters": ["a"]},
        {"characters": ["a"], "unknown": False, "more": 1},
        {"characters": ["b", "a"], "unknown": False},
        {"characters": ["a", "a"], "unknown": False},
        {"characters": ["ab"], "unknown": False},
        {"characters": [["a"]], "unknown": False},
        {"characters": [], "unknown": False},
        {"characters": "ab", "unknown": False},
        {"characters": ["\ud800"], "unknown": False},
        {"characters": ["a"], "unknown": 1},
        ["a"],
    ],
)
def test_a_configuration_that_is_not_exact_is_refused(config: Any) -> None:
    with pytest.raises(ValueError, match=r"vocabulary|`characters`"):
        Vocabulary.from_json(json.dumps(config))


def test_deeply_nested_json_is_refused_and_does_not_crash() -> None:
    with pytest.raises(ValueError, match="must be JSON"):
        Vocabulary.from_json("[" * 100_000)


def test_characters_are_sorted_whatever_their_order() -> None:
    assert Vocabulary("囍b不a😀").characters == ("a", "b", "不", "囍", "😀")
    assert Vocabulary("ab") == Vocabulary("ba")
    assert Vocabulary("ab") != Vocabulary("ab", unknown=True)
    assert Vocabulary("ab").sha256 != Vocabulary("ab", unknown=True).sha256
    assert len({Vocabulary("ab"), Vocabulary("ba"), Vocabulary("abc")}) == 2


def test_ids_are_the_same_in_every_process() -> None:
    code = (
        "from lyric_lm.data.vocabulary import Vocabulary\n"
        "v = Vocabulary.from_text('不分开不能分开'); print(v.sha256, v.encode('分开').tolist())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    vocabulary = Vocabulary("不分开能")

    assert other.stdout == f"{vocabulary.sha256} {vocabulary.encode('分开').tolist()}\n"


@pytest.mark.parametrize("characters", ["", "aba", ["ab"], ["a", ""], ["\ud800"], ["a", "\udfff"]])
def test_wrong_characters_are_refused(characters: Any) -> None:
    with pytest.raises(ValueError, match="`characters` must be"):
        Vocabulary(characters)


def test_membership_is_by_single_character_without_the_unknown_token() -> None:
    vocabulary = Vocabulary("ab", unknown=True)

    assert "a" in vocabulary
    assert "c" not in vocabulary
    assert "ab" not in vocabulary
    assert 1 not in vocabulary


def test_an_unknown_character_is_named_in_escaped_form_with_the_cure() -> None:
    text = "a囍\x1b\u202e\ud800囍"

    with pytest.raises(UnknownCharacterError) as raised:
        Vocabulary("ab").encode(text)

    message = str(raised.value)
    assert raised.value.characters == "囍\x1b\u202e\ud800"
    assert message.isprintable()
    for shown in (
        "'囍' (U+56CD)",
        r"'\x1b' (U+001B)",
        r"'\u202e' (U+202E)",
        r"'\ud800' (U+D800)",
        "unknown=True",
    ):
        assert shown in message


def test_at_most_ten_unknown_characters_are_named() -> None:
    with pytest.raises(UnknownCharacterError, match=r"'j' \(U\+006A\) and 16 more") as raised:
        Vocabulary("不").encode("abcdefghijklmnopqrstuvwxyz")

    assert "'k'" not in str(raised.value)
    assert len(raised.value.characters) == 26


@pytest.mark.parametrize(
    "ids", [[-1], [3], np.array([2**63], dtype=np.uint64), [0.0], [[0]], 0, [True], ["a"]]
)
def test_ids_that_are_no_ids_are_refused(ids: Any) -> None:
    with pytest.raises(ValueError, match="`ids` must"):
        Vocabulary("abc").decode(ids)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.uint64])
def test_ids_of_any_integer_type_decode(dtype: type[np.integer[Any]]) -> None:
    assert Vocabulary("abc").decode(np.array([2, 0, 1], dtype=dtype)) == "cab"


def test_the_empty_text_has_no_ids() -> None:
    assert Vocabulary("abc").encode("").shape == (0,)
    assert Vocabulary("abc").decode([]) == ""


def test_copies_are_equal_and_work() -> None:
    vocabulary = Vocabulary("ab", unknown=True)

    for again in (copy.deepcopy(vocabulary), pickle.loads(pickle.dumps(vocabulary))):
        assert again == vocabulary
        assert again.decode(again.encode("abc")) == "ab\ufffd"


def test_every_character_of_unicode_fits_into_one_vocabulary() -> None:
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))

    vocabulary = Vocabulary.from_text(text)

    assert len(vocabulary) == 0x110000 - 0x800
    assert np.array_equal(vocabulary.encode(text), np.arange(len(text)))
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_the_representation_is_short_and_shows_no_character() -> None:
    assert repr(Vocabulary("ab\x1b", unknown=True)) == "<Vocabulary of 3 characters and an unknown token>"
