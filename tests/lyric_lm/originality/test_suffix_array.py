"""Suffix arrays against sorted suffixes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyric_lm.originality.suffix_array import shared_with_previous, suffix_array

# One, two and four bytes an id: the library sees bytes.
ALPHABETS = [[0], [0, 1, 2], [0, 255], [0, 256, 257, 511, 512], [1, 65_535], [0, 255, 65_536, 16_777_216]]


def sorted_suffixes(ids: list[int]) -> list[int]:
    return sorted(range(len(ids)), key=lambda start: ids[start:])


def num_shared(one: list[int], other: list[int]) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


@pytest.mark.parametrize("alphabet", ALPHABETS)
@given(data=st.data())
def test_suffixes_are_sorted_and_neighbours_share_what_they_share(
    alphabet: list[int], data: st.DataObject
) -> None:
    ids = data.draw(st.lists(st.sampled_from(alphabet), min_size=1, max_size=30))
    array = np.array(ids, np.int64)
    suffixes = suffix_array(array)
    expected = sorted_suffixes(ids)
    assert suffixes.dtype == np.int32
    assert suffixes.tolist() == expected
    shared = [num_shared(ids[a:], ids[b:]) for a, b in pairwise(expected)]
    assert shared_with_previous(array, suffixes).tolist() == [0, *shared]


def test_a_strided_view_is_sorted_as_its_copy() -> None:
    ids = np.array([2, 9, 0, 9, 2, 9, 1, 9], np.int32)[::2]
    assert suffix_array(ids).tolist() == sorted_suffixes(ids.tolist())
