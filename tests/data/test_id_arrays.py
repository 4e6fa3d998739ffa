"""The check of ids, rule by rule."""

import numpy as np
import pytest
from numpy.typing import ArrayLike

from lyric_lm.data.id_arrays import checked_ids


def test_ids_come_back_as_they_are() -> None:
    ids = np.array([0, 3, 4], np.int16)
    checked = checked_ids(ids, below=5)
    assert checked.dtype == np.int16
    np.testing.assert_array_equal(checked, ids)


def test_an_empty_list_is_an_array_of_integers() -> None:
    checked = checked_ids([], below=5)
    assert checked.shape == (0,)
    assert checked.dtype == np.int32


@pytest.mark.parametrize("ids", [[[0, 1]], 3, [0.5], [True], ["a"]])
def test_what_is_not_a_line_of_integers_is_refused(ids: ArrayLike) -> None:
    with pytest.raises(
        ValueError, match=r"`context` must be a one-dimensional array of integers. Received: dtype="
    ):
        checked_ids(ids, "context")


@pytest.mark.parametrize("ids", [[-1, 2], [2, 5]])
def test_an_id_outside_the_vocabulary_is_refused(ids: list[int]) -> None:
    with pytest.raises(
        ValueError, match=rf"`ids` must lie in \[0, 5\). Received: ids from {ids[0]} to {ids[1]}"
    ):
        checked_ids(ids, below=5)


def test_without_a_vocabulary_only_negative_ids_are_refused() -> None:
    assert checked_ids([70_000]).tolist() == [70_000]
    with pytest.raises(ValueError, match=r"`ids` must be 0 or more. Received: ids from -1 to -1"):
        checked_ids([-1])
