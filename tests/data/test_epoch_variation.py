"""Batches that change with the epoch, against rolled copies of the text cut by the plain function."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from lyric_lm.data import CorpusError, Vocabulary, consecutive_batches, rare_ids, varied_batches
from lyric_lm.model.rnn_model import RNNModel

B, T = 2, 3


def as_array(batches: tf.data.Dataset) -> np.ndarray[Any, Any]:
    """All batches of an epoch, int32 (pairs, 2, B, T)."""
    return np.array([(ids.numpy(), next_ids.numpy()) for ids, next_ids in batches])


def in_epoch(batches: Any, epoch: int) -> np.ndarray[Any, Any]:
    batches.epoch.assign(epoch)
    return as_array(batches)


def test_with_nothing_to_change_they_are_the_consecutive_batches() -> None:
    ids = np.arange(29) % 7
    expected = as_array(consecutive_batches(ids, B, T))

    np.testing.assert_array_equal(as_array(varied_batches(ids, B, T, rotate=False)), expected)


def test_a_rotated_epoch_is_the_text_read_on_from_another_place() -> None:
    ids = np.arange(29)  # all different, so that the first id tells the place
    batches = varied_batches(ids, B, T, seed=5)
    starts = set()
    for epoch in range(20):
        found = in_epoch(batches, epoch)
        start = found[0, 0, 0, 0]
        np.testing.assert_array_equal(found, as_array(consecutive_batches(np.roll(ids, -start), B, T)))
        starts.add(int(start))
    assert len(starts) > 10


def test_an_epoch_depends_on_the_seed_and_its_number_alone() -> None:
    ids = np.arange(29)
    one, same, other = (varied_batches(ids, B, T, seed=seed) for seed in (5, 5, 6))
    in_epoch(one, 7)  # what was read before does not matter
    np.testing.assert_array_equal(in_epoch(one, 3), in_epoch(same, 3))
    np.testing.assert_array_equal(in_epoch(one, 3), in_epoch(one, 3))
    assert any((in_epoch(one, epoch) != in_epoch(other, epoch)).any() for epoch in range(3))


@pytest.mark.parametrize("length", [8, 29, 30])
def test_the_number_of_batches_is_known_and_the_same_in_every_epoch(length: int) -> None:
    batches = varied_batches(np.arange(length), B, T)
    expected = (length // B - 1) // T
    assert int(batches.cardinality()) == expected
    assert {len(in_epoch(batches, epoch)) for epoch in range(5)} == {expected}
    assert {ids.shape[1:] for ids in in_epoch(batches, 0)} == {(B, T)}


def test_a_rare_character_is_unknown_in_half_of_the_epochs_and_then_wherever_it_stands() -> None:
    common, unknown_id = 0, 9
    ids = np.full(60, common)
    ids[12:18] = [4, 4, 4, 7, 7, 5]  # all in one tenth of the text
    batches = varied_batches(ids, 1, 59, rotate=False, unknown_id=unknown_id)
    hidden: dict[int, list[bool]] = {4: [], 7: [], 5: []}
    for epoch in range(64):
        (text, next_ids), *_ = in_epoch(batches, epoch)
        np.testing.assert_array_equal(text[0, 1:], next_ids[0, :-1])
        assert (text[0, ids[:-1] == common] == common).all()
        for rare in hidden:
            found = set(text[0, ids[:-1] == rare].tolist())
            assert found in ({rare}, {unknown_id})
            hidden[rare].append(found == {unknown_id})
    for epochs in hidden.values():
        assert 16 < sum(epochs) < 48  # four standard deviations around 32
    assert hidden[4] != hidden[7]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=50))
def test_rare_characters_occur_in_one_tenth_of_the_text_only(ids: list[int]) -> None:
    tenths: dict[int, set[int]] = {}
    for position, character in enumerate(ids):
        tenths.setdefault(character, set()).add(int(10 * position / len(ids) + 1e-9))
    expected = sorted(character for character, parts in tenths.items() if len(parts) == 1)

    assert rare_ids(ids).tolist() == expected


def test_fit_tells_the_dataset_the_epoch_also_when_it_goes_on_from_a_later_one() -> None:
    vocabulary = Vocabulary("abcde")
    model = RNNModel(keras.layers.SimpleRNNCell(4), vocabulary)
    model.compile(keras.optimizers.SGD(0.1))
    batches = varied_batches(np.arange(29) % 5, B, T)
    seen: list[int] = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(int(batches.epoch.numpy())))

    model.fit(batches, initial_epoch=3, epochs=5, callbacks=[note], verbose=0)

    assert seen == [3, 4]


def test_a_share_or_a_text_that_cannot_work_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`unknown_share`.*Received: unknown_share=1.0"):
        varied_batches(np.arange(29), B, T, unknown_id=30, unknown_share=1.0)
    with pytest.raises(CorpusError, match="too short"):
        varied_batches(np.arange(7), B, T)
