"""Batches of a memory map, against those of the same ids in memory."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import lyric_lm.data.mapped_batches
from lyric_lm.data import CorpusError, consecutive_batches, rare_ids, varied_batches
from lyric_lm.data.lineage import epoch_numbers, known_ids, mixes_rows

N, V, B, T = 107, 9, 2, 5


@pytest.fixture
def mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.memmap[Any, Any]:
    """Ids on disk, of which three batches are read at once and seven ids counted."""
    monkeypatch.setattr(lyric_lm.data.mapped_batches, "_IDS_AT_ONCE", 3 * B * T)
    monkeypatch.setattr(lyric_lm.data.mapped_batches, "_BLOCK", 7)
    ids = np.random.default_rng(2).integers(0, V - 2, N)
    ids[60] = V - 2  # rare
    np.save(tmp_path / "ids.npy", ids.astype(np.uint8))
    return np.load(tmp_path / "ids.npy", mmap_mode="r")  # type: ignore[no-any-return]


def as_array(batches: tf.data.Dataset) -> np.ndarray[Any, Any]:
    return np.array([(ids.numpy(), next_ids.numpy()) for ids, next_ids in batches])


def test_they_are_those_of_the_ids_in_memory(mapped: np.memmap[Any, Any]) -> None:
    found, expected = consecutive_batches(mapped, B, T), consecutive_batches(np.array(mapped), B, T)
    for _ in range(2):
        np.testing.assert_array_equal(as_array(found), as_array(expected), strict=True)
    assert found.element_spec == expected.element_spec
    assert found.cardinality() == expected.cardinality()
    assert known_ids(found) == known_ids(expected)
    assert not mixes_rows(found)
    part = consecutive_batches(mapped[13:90], 3, 4)
    np.testing.assert_array_equal(
        as_array(part), as_array(consecutive_batches(np.array(mapped)[13:90], 3, 4))
    )


@pytest.mark.parametrize(("rotate", "unknown_id"), list(itertools.product([False, True], [None, V - 1])))
def test_they_vary_with_the_epoch_as_those_of_the_ids_in_memory_do(
    mapped: np.memmap[Any, Any], rotate: bool, unknown_id: int | None
) -> None:
    options: dict[str, Any] = {"seed": 4, "rotate": rotate, "unknown_id": unknown_id, "song_end_id": 1}
    found, expected = (varied_batches(ids, B, T, **options) for ids in (mapped, np.array(mapped)))
    for epoch in range(4):
        found.epoch.assign(epoch)
        expected.epoch.assign(epoch)
        np.testing.assert_array_equal(as_array(found), as_array(expected), strict=True)
    assert found.element_spec == expected.element_spec
    assert known_ids(found) == known_ids(expected)
    assert epoch_numbers(found.take(1)) == [found.epoch]


def test_rare_ids_are_found_block_by_block(mapped: np.memmap[Any, Any]) -> None:
    np.testing.assert_array_equal(rare_ids(mapped), rare_ids(np.array(mapped)))
    assert V - 2 in rare_ids(mapped)


def test_a_map_that_batches_cannot_be_cut_from_is_refused(mapped: np.memmap[Any, Any]) -> None:
    with pytest.raises(CorpusError, match="too short"):
        consecutive_batches(mapped[:9], B, T)
    with pytest.raises(ValueError, match="one-dimensional"):
        consecutive_batches(mapped[:100].reshape(10, 10), B, T)
    with pytest.raises(ValueError, match="batch_size=0"):
        consecutive_batches(mapped, 0, T)
