"""Which ids would make a generated run of training text too long: tables made for compiled decoding loops."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lyric_lm.checks import check_at_least_one
from lyric_lm.data.id_arrays import checked_ids
from lyric_lm.originality.suffix_array import shared_with_previous, suffix_array

Ints = NDArray[np.int32]
LongInts = NDArray[np.int64]


class CopyGuard:
    """Tells exactly which ids would let a verbatim run of training text grow past `max_copy`.

    An id is forbidden if the last `max_copy` generated ids, followed by it, stand in the training text. The
    state is just those ids, int32 `(B, max_copy)`, -1 where fewer have been generated: so the prefix does not
    count, beams carry their state along with their ids, and the guard holds nothing between steps.

    The distinct windows of `max_copy` training ids lie in a hash table of buckets; each row names a place
    where its window stands in `training_ids` and the ids that followed it. All candidates of a bucket are
    compared with the state id by id, so a hash collision costs time, never correctness. A step is a fixed
    number of gathers whose shapes are known beforehand (B, P = `max_bucket`, W = `max_continuations`), which
    graph and XLA loops take as they are: `forbidden` is written with operations that TensorFlow has under the
    same meaning (`tf.gather`, `tf.reduce_all`, `tf.tensor_scatter_nd_update`).

    Building for 10 million ids takes 3 to 6 s and up to 65 bytes per id, of which at most 25 are kept.

    If W reaches the number of ids that may be generated at all, a state exists after which every id may be
    forbidden; below that a step always has a choice.

    The hash is multiply-shift: Dietzfelbinger, Hagerup, Katajainen & Penttonen 1997, "A reliable randomized
    algorithm for the closest-pair problem", J. Algorithms 25(1). The windows come from a suffix array.

    Args:
        ids: int32 `(N,)`, the training text, N >= 1, each in [0, V).
        max_copy: longest run in characters that may be generated, 1 or more.
        vocab_size: V.

    Attributes:
        training_ids: int32 `(N,)`, padded with zeros to `max_copy` if shorter.
        multipliers: int64 `(max_copy,)`, of the hash.
        hash_mask: int, the bits of the hash that count.
        hash_shift: int, from the hash to its bucket.
        bucket_splits: int32 `(buckets + 1,)`, the first row of each bucket.
        positions: int32 `(R,)`, where each row's window starts in `training_ids`.
        continuation_splits: int32 `(R + 1,)`, the first of each row's `continuations`.
        continuations: int32 `(E,)`, ids that followed each row's window, rising within a row; E <= N.
        max_bucket: P, rows in the fullest bucket; about 10 for 10 million windows.
        max_continuations: W, ids that followed the window with most; at most V.

    Raises:
        ValueError: `max_copy` is below 1, or `ids` is empty, not one-dimensional integers, or holds an id
            outside [0, V).

    Example:
        >>> guard = CopyGuard([0, 1, 2, 0, 1, 3], 2, vocab_size=4)
        >>> state = guard.initial_state(1)
        >>> for id_ in (0, 1):
        ...     state = guard.advance(state, np.array([id_]))
        >>> guard.forbidden(state).tolist()
        [[False, False, True, True]]
    """

    def __init__(self, ids: ArrayLike, max_copy: int, *, vocab_size: int):
        check_at_least_one(max_copy=max_copy)
        ids = checked_ids(ids, below=vocab_size).astype(np.int32)
        if not len(ids):
            raise ValueError("`ids` must hold at least one id of training text. Received: an empty array")
        self.max_copy = max_copy
        self.vocab_size = vocab_size
        self.training_ids = np.pad(ids, (0, max(0, max_copy - len(ids))))
        # `max_copy` products of ids and multipliers of this many bits sum up below 2**63: no overflow.
        bits = 63 - int(vocab_size).bit_length() - int(max_copy).bit_length()
        self.hash_mask = (1 << bits) - 1
        self.multipliers = np.random.default_rng(0).integers(1, self.hash_mask, max_copy, endpoint=True)
        windows = _windows(ids, max_copy)
        bucket_bits = min(len(windows.positions).bit_length(), bits)
        self.hash_shift = bits - bucket_bits
        buckets = self._buckets_of_windows(windows.positions)
        windows = windows.reordered(np.argsort(buckets, kind="stable"))
        sizes = np.bincount(buckets, minlength=1 << bucket_bits)
        self.bucket_splits = _splits(sizes)
        self.max_bucket = max(1, int(sizes.max()))
        # Nothing can be gathered from an empty array, not even by rows that are masked afterwards.
        self.positions = windows.positions if len(windows.positions) else np.zeros(1, np.int32)
        self.continuation_splits = _splits(windows.counts if len(windows.counts) else np.zeros(1, np.int64))
        self.continuations = windows.continuations if len(windows.continuations) else np.zeros(1, np.int32)
        self.max_continuations = int(windows.counts.max(initial=1))

    def initial_state(self, num_rows: int) -> Ints:
        """The state before the first generated id.

        Args:
            num_rows: B >= 0.

        Returns:
            int32 `(B, max_copy)`, all -1.
        """
        return np.full((num_rows, self.max_copy), -1, np.int32)

    def advance(self, state: Ints, ids: NDArray[np.integer]) -> Ints:
        """The state after one more generated id per row.

        Args:
            state: int32 `(B, max_copy)`.
            ids: integers `(B,)`, each in [0, V).

        Returns:
            int32 `(B, max_copy)`.
        """
        return np.concatenate([state[:, 1:], ids[:, None].astype(np.int32)], axis=1)

    def forbidden(self, state: Ints) -> NDArray[np.bool_]:
        """Ids that would make a run of training text longer than `max_copy`.

        Args:
            state: int32 `(B, max_copy)`, the last generated ids, oldest first, -1 where there are none.

        Returns:
            bool `(B, V)`.
        """
        hashes = (state * self.multipliers).sum(axis=1)  # (B,)
        buckets = (hashes & self.hash_mask) >> self.hash_shift
        rows = self.bucket_splits[buckets][:, None] + np.arange(self.max_bucket)  # (B, P)
        in_bucket = rows < self.bucket_splits[buckets + 1][:, None]
        rows = np.minimum(rows, len(self.positions) - 1)
        places = self.positions[rows][:, :, None] + np.arange(self.max_copy)  # (B, P, max_copy)
        same = in_bucket & np.all(self.training_ids[places] == state[:, None, :], axis=2)
        # At most one row of the bucket is the state's window; if none is, its list of ids has no length.
        row = np.max(np.where(same, rows, -1), axis=1)  # (B,)
        first = self.continuation_splits[np.maximum(row, 0)]
        last = np.where(row < 0, first, self.continuation_splits[row + 1])
        slots = first[:, None] + np.arange(self.max_continuations)  # (B, W)
        ids = self.continuations[np.minimum(slots, len(self.continuations) - 1)]
        # Column V takes what the shorter lists leave over.
        columns = np.where(slots < last[:, None], ids, self.vocab_size)
        mask = np.zeros((len(state), self.vocab_size + 1), np.bool_)
        mask[np.arange(len(state))[:, None], columns] = True
        return mask[:, :-1]

    def _buckets_of_windows(self, positions: Ints) -> LongInts:
        num_windows = max(0, len(self.training_ids) - self.max_copy + 1)
        hashes = np.zeros(num_windows, np.int64)
        for offset, multiplier in enumerate(self.multipliers):
            hashes += multiplier * self.training_ids[offset : offset + num_windows]
        return (hashes[positions] & self.hash_mask) >> self.hash_shift


@dataclass(frozen=True)
class _Windows:
    """Distinct stretches of training text of one length, and the ids that followed each."""

    positions: Ints  # (R,) one place where each stands
    counts: LongInts  # (R,) distinct ids that followed it, each >= 1
    continuations: Ints  # (E,) those ids, row after row

    def reordered(self, order: LongInts) -> "_Windows":
        counts = self.counts[order]
        starts = (np.cumsum(self.counts) - self.counts)[order]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return _Windows(self.positions[order], counts, self.continuations[np.repeat(starts, counts) + within])


def _windows(ids: Ints, length: int) -> _Windows:
    """Neighbours in a suffix array that share `length` ids are one window; `length + 1`, one continuation."""
    suffixes = suffix_array(ids)
    shared = shared_with_previous(ids, suffixes)
    followed = suffixes < len(ids) - length
    window = np.cumsum(shared < length, dtype=np.int32)[followed]
    longer = np.cumsum(shared <= length, dtype=np.int32)[followed]
    starts = suffixes[followed]
    new_window = np.diff(window, prepend=-1) != 0
    new_longer = np.diff(longer, prepend=-1) != 0
    # The row of each continuation; both kinds of change are in suffix order, so rows rise.
    rows = (np.cumsum(new_window) - 1)[new_longer]
    counts = np.bincount(rows, minlength=int(new_window.sum()))
    return _Windows(starts[new_window], counts, ids[starts[new_longer] + length])


def _splits(sizes: NDArray[np.integer]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
