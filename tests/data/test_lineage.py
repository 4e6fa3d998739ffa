"""What stands behind a dataset's transformations."""

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from lyric_lm.data import Vocabulary, consecutive_batches, load_lyrics, random_batches, varied_batches
from lyric_lm.data.known_ids import _encoded_by
from lyric_lm.data.lineage import epoch_numbers, known_ids, mixes_rows

B, T = 2, 3
IDS = np.arange(29) % 7 + 2

SAME: list[Callable[[Any], Any]] = [
    lambda d: d.take(2),
    lambda d: d.skip(1),
    lambda d: d.prefetch(1),
    lambda d: d.filter(lambda x, _: x[0, 0] >= 0),
    lambda d: d.with_options(tf.data.Options()).take(1).prefetch(3),
]
CHANGED: list[Callable[[Any], Any]] = [
    lambda d: d.map(lambda x, y: (x, y)),
    lambda d: d.unbatch().batch(B, drop_remainder=True),
    lambda d: d.take(1).concatenate(d.skip(1)),
    lambda d: tf.data.Dataset.zip((d.map(lambda x, _: x), d.map(lambda _, y: y))),
]


@pytest.mark.parametrize("change", [*SAME, *CHANGED])
def test_the_epochs_number_is_found_behind_transformations(change: Callable[[Any], Any]) -> None:
    batches = varied_batches(IDS, B, T)
    assert {id(number) for number in epoch_numbers(change(batches))} == {id(batches.epoch)}
    assert epoch_numbers(change(consecutive_batches(IDS, B, T))) == []


@pytest.mark.parametrize("name", ["repeat", "cache"])
def test_what_would_hand_out_one_epochs_text_again_is_refused(name: str) -> None:
    for change in (SAME[0], CHANGED[0]):
        kept = getattr(change(varied_batches(IDS, B, T)), name)()
        with pytest.raises(ValueError, match=f"`{name}` hands out one epoch's text.*leave it out"):
            epoch_numbers(kept.take(3))
    assert epoch_numbers(getattr(consecutive_batches(IDS, B, T), name)()) == []


@pytest.mark.parametrize("change", [*SAME, *CHANGED])
def test_shuffled_rows_are_found_behind_transformations(change: Callable[[Any], Any]) -> None:
    assert mixes_rows(change(random_batches(IDS, B, T)))
    assert mixes_rows(change(consecutive_batches(IDS, B, T).shuffle(4)))
    assert not mixes_rows(change(consecutive_batches(IDS, B, T)))
    assert not mixes_rows(change(varied_batches(IDS, B, T)))


def test_a_shuffle_of_songs_that_are_cut_afterwards_mixes_no_rows() -> None:
    songs = tf.data.Dataset.from_tensor_slices(IDS[:28].reshape(4, 7)).shuffle(4)
    pairs = songs.map(lambda song: (song[None, :-1], song[None, 1:]))
    assert not mixes_rows(pairs)


def test_what_is_known_of_ids_holds_where_nothing_may_have_changed_them() -> None:
    for batches in (consecutive_batches(IDS, B, T), random_batches(IDS, B, T)):
        for change in SAME:
            assert known_ids(change(batches)) == (2, 8, None)
        assert [known_ids(change(batches)) for change in CHANGED] == [None] * len(CHANGED)
    assert known_ids(varied_batches(IDS, B, T, unknown_id=11).take(1)) == (2, 11, None)
    assert known_ids(tf.constant([[3, 1]])) == (1, 3, None)
    assert [known_ids(x) for x in (None, [3, 1], IDS[:0], IDS / 2)] == [None] * 4


def vocabulary_of(data: Any) -> Vocabulary | None:
    known = known_ids(data)
    return known and known.vocabulary


def test_the_vocabulary_of_ids_is_known_for_as_long_as_they_live() -> None:
    lyrics = load_lyrics("built-in", max_chars=300)
    for make in (consecutive_batches, random_batches, varied_batches):
        assert vocabulary_of(make(lyrics.ids[7:], B, T).take(2)) == lyrics.vocabulary
    pairs = lyrics.ids[:40].reshape(4, 10)[:, :-1]
    assert vocabulary_of(pairs) == lyrics.vocabulary
    assert vocabulary_of(pairs + 1) is None
    before = len(_encoded_by)
    del lyrics, pairs
    gc.collect()
    assert len(_encoded_by) < before
