"""Match lengths against a plain search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from lyric_lm.originality.copy_index import CopyIndex


def brute_force(training: str, text: str) -> list[int]:
    """For each end the longest stretch before it that `in` finds."""
    return [
        max(length for length in range(end + 1) if text[end - length : end] in training)
        for end in range(1, len(text) + 1)
    ]


@given(training=st.text("ab歌", min_size=1, max_size=40), text=st.text("ab歌x", max_size=30))
def test_match_lengths_are_those_that_a_search_finds(training: str, text: str) -> None:
    lengths = CopyIndex(training).match_lengths(text)
    assert lengths.dtype == np.int32
    assert lengths.tolist() == brute_force(training, text)


@given(training=st.text(min_size=1, max_size=20), text=st.text(max_size=20))
def test_any_characters_can_be_indexed_and_asked_for(training: str, text: str) -> None:
    assert CopyIndex(training).match_lengths(text).tolist() == brute_force(training, text)


@given(training=st.text("ab", min_size=1, max_size=60), text=st.text("ab", max_size=8))
def test_containment_is_that_of_a_string(training: str, text: str) -> None:
    assert (text in CopyIndex(training)) == (text in training)


@given(training=st.text("abc", min_size=1, max_size=30), text=st.text("abcx", max_size=20))
def test_ids_match_as_the_characters_they_stand_for(training: str, text: str) -> None:
    index = CopyIndex(np.array([ord(char) for char in training]))
    lengths = index.match_lengths([ord(char) for char in text])
    assert lengths.tolist() == CopyIndex(training).match_lengths(text).tolist()


def test_a_long_copy_keeps_its_whole_length() -> None:
    training = "".join(np.random.default_rng(0).choice(list("ab"), 3000))
    lengths = CopyIndex(training).match_lengths("x" + training[500:2500] + "x")
    assert lengths[0] == lengths[-1] == 0
    assert lengths[-2] == 2000


def test_the_length_of_an_index_is_that_of_its_text() -> None:
    assert len(CopyIndex("abcab")) == 5


@pytest.mark.parametrize("text", ["", [], np.zeros(0, np.int32)])
def test_an_empty_training_text_is_refused(text: ArrayLike) -> None:
    with pytest.raises(ValueError, match=r"`text` must hold at least one character. Received: an empty text"):
        CopyIndex(text)


def test_a_text_must_be_of_the_kind_that_was_indexed() -> None:
    with pytest.raises(ValueError, match=r"`text` must be a string, as in the index. Received: list"):
        CopyIndex("ab").match_lengths([0])
    with pytest.raises(ValueError, match=r"`text` must be an array of ids, as in the index. Received: str"):
        CopyIndex([0, 1]).match_lengths("a")


def test_negative_ids_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`text` must be 0 or more. Received: ids from -1 to 2"):
        CopyIndex([-1, 2])
