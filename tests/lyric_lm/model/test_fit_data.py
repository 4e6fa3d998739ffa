"""What is known of the data before the first step."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm.model.fit_data import rows_of_batches, split_arrays
from lyric_lm.model.fit_hooks import steps_at_once

IDS = np.zeros((78, 5), np.int32)
PAIRS = tf.data.Dataset.from_tensor_slices((IDS, IDS))


class Items(keras.utils.PyDataset):  # type: ignore[misc]
    def __init__(self, last: int) -> None:
        super().__init__()
        self.last = last

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        rows = self.last if index == 2 else 4
        return IDS[:rows], IDS[:rows]


@pytest.mark.parametrize(
    ("x", "options", "rows"),
    [
        (PAIRS.batch(4, drop_remainder=True), {}, 4),
        (PAIRS.batch(6), {}, 6),
        (PAIRS.batch(100), {}, 78),
        (PAIRS.batch(4), {"steps": 19}, 4),
        (PAIRS.batch(4).repeat(), {}, None),
        (tf.data.Dataset.range(1).flat_map(lambda _: PAIRS.batch(4)), {}, None),
        (IDS, {"batch_size": 13}, 13),
        (IDS, {"batch_size": 100}, 78),
        (IDS, {"batch_size": 10, "steps": 7}, 10),
        (IDS, {"steps": 13}, 6),
        (tf.constant(IDS), {"batch_size": 39}, 39),
        (Items(4), {}, None),
        (iter([]), {}, None),
    ],
)
def test_the_rows_of_batches(x: Any, options: Any, rows: int | None) -> None:
    assert rows_of_batches(x, options.get("batch_size"), steps=options.get("steps")) == rows


@pytest.mark.parametrize(
    ("x", "batch_size", "words"),
    [
        (PAIRS.batch(4), None, "`text` has batches of 2 and of 4 rows"),
        (IDS, 4, "78 rows of `text` do not divide by batch_size=4"),
        (IDS, None, "78 rows of `text` do not divide by batch_size=32"),
        (Items(3), None, "`text` has batches of 3 and of 4 rows"),
    ],
)
def test_a_smaller_last_batch_is_named_with_its_cures(x: Any, batch_size: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"{words}.*consecutive_batches.*drop_remainder.*stateful=False"):
        rows_of_batches(x, batch_size, name="text")


def test_a_split_takes_the_end_as_keras_does() -> None:
    x = np.arange(20).reshape(10, 2)
    (a, b, weight), validation = split_arrays(x, x + 1, None, 0.25, None)
    assert (a[-1, 0], b[-1, 0], weight) == (12, 13, None)
    assert validation is not None
    assert (len(a), len(validation[0]), validation[1][0, 0]) == (7, 3, 15)


@pytest.mark.parametrize(
    ("x", "steps_per_epoch", "at_once"),
    [
        (PAIRS.batch(13), None, 6),
        (PAIRS.batch(2), None, 32),
        (PAIRS.batch(2).repeat(), 35, 7),
        (PAIRS.batch(2), 37, 1),
        (IDS, 39, 13),
        (tf.data.Dataset.range(1).flat_map(lambda _: PAIRS), 8, 1),
        (Items(4), None, 1),
        (PAIRS.batch(13).take(0), None, 1),
    ],
)
def test_a_loop_ends_with_the_epoch(x: Any, steps_per_epoch: int | None, at_once: int) -> None:
    assert steps_at_once(x, None, steps_per_epoch) == at_once
