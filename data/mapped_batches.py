"""Consecutive batches of ids that lie on disk: each is read when its turn comes, the rest never.

For memory maps only: of an array in memory, `batches` and `epoch_variation` cut all batches at once, which
costs less in an epoch.
"""

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from lyric_lm.data.known_ids import KnownIds, encoded_by

_BLOCK = 2**20  # ids that are counted at once
_IDS_AT_ONCE = 2**17  # of the batches that one call reads


def mapped_batches(
    ids: np.memmap[Any, Any],
    batch_size: int,
    num_steps: int,
    *,
    start: tf.Tensor | int = 0,
    mapping: tf.Tensor | None = None,
) -> tf.data.Dataset:
    """What `consecutive_batches` makes of ids, of which each batch reads its own.

    Args:
        ids: integers `(N,)`, enough for a batch.
        batch_size: B.
        num_steps: T.
        start: int64 (), where the text is taken to start, its end followed by its start.
        mapping: int32 `(highest id + 1,)`, what each id is replaced by; None leaves all as they are.

    Returns:
        A dataset of `(N // B - 1) // T` pairs `(ids, next_ids)`, both int32 `(B, T)`.
    """
    row_length = len(ids) // batch_size
    num_batches = (row_length - 1) // num_steps
    at_once = max(1, min(num_batches, _IDS_AT_ONCE // (batch_size * num_steps)))
    row_starts = np.arange(batch_size)[:, None] * row_length
    replaced = tf.zeros((0,), tf.int32) if mapping is None else mapping

    def read(first: Any, start: Any, replaced: Any) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        number = min(at_once, num_batches - first)
        steps = np.arange(first * num_steps, (first + number) * num_steps + 1)
        found = ids[(start + row_starts + steps) % len(ids)]  # (B, number * T + 1)
        forget_pages(ids)
        found = replaced[found] if replaced.size else found.astype(np.int32)
        return in_batches(found[:, :-1], number), in_batches(found[:, 1:], number)

    def in_batches(rows: npt.NDArray[np.int32], number: int) -> npt.NDArray[np.int32]:
        steps = rows.reshape(batch_size, number, num_steps)
        return np.ascontiguousarray(steps.swapaxes(0, 1))  # (number, B, T)

    def batches_from(first: tf.Tensor) -> tuple[tf.Tensor, ...]:
        pairs = tf.numpy_function(read, (first, start, replaced), [tf.int32, tf.int32], stateful=False)
        return tuple(tf.ensure_shape(part, (None, batch_size, num_steps)) for part in pairs)

    dataset = tf.data.Dataset.range(0, num_batches, at_once).map(batches_from).prefetch(1).unbatch()
    return dataset.apply(tf.data.experimental.assert_cardinality(num_batches))


def known_of(ids: npt.NDArray[np.integer[Any]]) -> KnownIds:
    """What is known of ids on disk; those of a vocabulary are not read."""
    if (vocabulary := encoded_by(ids)) is not None:
        return KnownIds(0, len(vocabulary) - 1, vocabulary)
    extremes = [(block.min(), block.max()) for block in blocks(ids)]
    return KnownIds(int(min(low for low, _ in extremes)), int(max(high for _, high in extremes)), None)


def distinct_ids(ids: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
    """The ids that occur, int64, in rising order."""
    counts = np.zeros(0, np.int64)
    for block in blocks(ids):
        found = np.bincount(block)
        wide = max(len(counts), len(found))
        counts = np.pad(counts, (0, wide - len(counts))) + np.pad(found, (0, wide - len(found)))
    return np.flatnonzero(counts)


def blocks(ids: npt.NDArray[np.integer[Any]]) -> Iterator[npt.NDArray[np.integer[Any]]]:
    """The ids from start to end, of which memory holds a block at a time."""
    for start in range(0, len(ids), _BLOCK):
        yield np.array(ids[start : start + _BLOCK])
        forget_pages(ids)


def forget_pages(ids: Any) -> None:
    """Let go of what was read of a memory map, which would count as this process' memory."""
    while isinstance(ids, np.ndarray):
        ids = ids.base
    if isinstance(ids, mmap.mmap) and hasattr(ids, "madvise"):
        ids.madvise(mmap.MADV_DONTNEED)
