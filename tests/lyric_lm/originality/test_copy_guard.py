"""Forbidden ids against a plain search, and guarded texts as a whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lyric_lm.originality.copy_guard import CopyGuard

V = 4

training = st.lists(st.integers(0, V - 1), min_size=1, max_size=40)
max_copies = st.integers(1, 7)


def stands_in(stretch: list[int], ids: list[int]) -> bool:
    return any(ids[start : start + len(stretch)] == stretch for start in range(len(ids) - len(stretch) + 1))


def brute_force(ids: list[int], generated: list[int], max_copy: int) -> list[bool]:
    if len(generated) < max_copy:
        return [False] * V
    return [stands_in([*generated[-max_copy:], id_], ids) for id_ in range(V)]


def state_after(guard: CopyGuard, rows: list[list[int]]) -> NDArray[np.int32]:
    state = guard.initial_state(len(rows))
    for ids in np.transpose(rows):
        state = guard.advance(state, ids)
    return state


@given(data=st.data(), ids=training, max_copy=max_copies)
def test_exactly_the_ids_that_lengthen_a_run_too_far_are_forbidden(
    data: st.DataObject, ids: list[int], max_copy: int
) -> None:
    guard = CopyGuard(ids, max_copy, vocab_size=V)
    length = data.draw(st.integers(0, 12))
    rows = [data.draw(st.lists(st.integers(0, V - 1), min_size=length, max_size=length)) for _ in range(3)]
    forbidden = guard.forbidden(state_after(guard, rows))
    assert forbidden.dtype == np.bool_
    assert forbidden.tolist() == [brute_force(ids, row, max_copy) for row in rows]


@given(data=st.data(), ids=training, max_copy=max_copies)
def test_after_every_stretch_of_training_text_what_followed_it_is_forbidden(
    data: st.DataObject, ids: list[int], max_copy: int
) -> None:
    guard = CopyGuard(ids, max_copy, vocab_size=V)
    start = data.draw(st.integers(0, len(ids) - 1))
    row = ids[start : start + data.draw(st.integers(1, 12))]
    assert guard.forbidden(state_after(guard, [row])).tolist() == [brute_force(ids, row, max_copy)]


@given(ids=training, max_copy=max_copies, seed=st.integers(0, 99))
def test_a_guarded_text_never_copies_more_than_max_copy(ids: list[int], max_copy: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    guard = CopyGuard(ids, max_copy, vocab_size=V)
    state, generated = guard.initial_state(1), []
    for _ in range(20):
        allowed = np.flatnonzero(~guard.forbidden(state)[0])
        if not len(allowed):
            assert guard.max_continuations == V
            break
        generated.append(int(rng.choice(allowed)))
        state = guard.advance(state, np.array(generated[-1:]))
    windows = [generated[i : i + max_copy + 1] for i in range(len(generated) - max_copy)]
    assert not any(stands_in(window, ids) for window in windows)


def test_the_prefix_does_not_count() -> None:
    guard = CopyGuard([0, 1, 2, 3], 2, vocab_size=V)
    state = guard.initial_state(1)
    # A prefix 0 1 is not told to the guard: 2 continues the training text but opens a run of one.
    assert not guard.forbidden(state).any()
    state = guard.advance(state, np.array([2]))
    assert not guard.forbidden(state).any()


def test_a_collision_of_hashes_forbids_nothing_wrong() -> None:
    ids = np.random.default_rng(0).integers(0, V, 200).tolist()
    guard = CopyGuard(ids, 3, vocab_size=V)
    rows = [[a, b, c] for a in range(V) for b in range(V) for c in range(V)]
    # With one bucket every window is a candidate for every state.
    guard.hash_shift = guard.hash_mask.bit_length()
    guard.bucket_splits = np.array([0, len(guard.positions)], np.int32)
    guard.max_bucket = len(guard.positions)
    forbidden = guard.forbidden(state_after(guard, rows))
    assert forbidden.tolist() == [brute_force(ids, row, 3) for row in rows]


def test_the_arrays_have_the_shapes_and_types_that_a_compiled_loop_is_told() -> None:
    ids = np.array([0, 1, 2, 0, 1, 3], np.int64)
    guard = CopyGuard(ids, 2, vocab_size=V)
    num_windows = len({(0, 1), (1, 2), (2, 0)})
    assert guard.positions.shape == (num_windows,)
    assert guard.continuation_splits.shape == (num_windows + 1,)
    assert guard.continuations.shape == (len({(0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 1, 3)}),)
    assert guard.bucket_splits[-1] == num_windows
    assert guard.max_continuations == 2
    assert guard.multipliers.dtype == np.int64
    names = ("training_ids", "positions", "continuation_splits", "continuations", "bucket_splits")
    assert {getattr(guard, name).dtype for name in names} == {np.dtype(np.int32)}


@pytest.mark.parametrize("ids", [[0], [0, 1, 2]])
def test_a_training_text_no_longer_than_max_copy_forbids_nothing(ids: list[int]) -> None:
    guard = CopyGuard(ids, 3, vocab_size=V)
    rows = [[0, 1, 2], [0, 0, 0]]
    assert not guard.forbidden(state_after(guard, rows)).any()


@pytest.mark.parametrize(
    ("ids", "max_copy", "message"),
    [
        ([0], 0, "`max_copy` must be at least 1. Received: max_copy=0"),
        ([], 1, "`ids` must hold at least one id of training text. Received: an empty array"),
        ([V], 1, r"`ids` must lie in \[0, 4\). Received: ids from 4 to 4"),
        ([[0]], 1, "`ids` must be a one-dimensional array of integers"),
    ],
)
def test_a_wrong_argument_is_named(ids: list[int], max_copy: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CopyGuard(ids, max_copy, vocab_size=V)
