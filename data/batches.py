"""Cut a long sequence of ids into batches of B rows and T steps, in the two ways of the book.

Source: *Dive into Deep Learning*, chapter 6.3, `data_iter_consecutive` and `data_iter_random`. The arrays are
cut once, in NumPy; what is left to do in an epoch is to hand out slices, about 2 ms for the chapter's eight
batches. (Slicing or gathering in `Dataset.map` takes 5 to 15 ms, to start the function anew in each epoch.)
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from lyric_lm.checks import check_at_least_one
from lyric_lm.data.errors import CorpusError
from lyric_lm.data.id_arrays import checked_ids
from lyric_lm.data.known_ids import KnownIds
from lyric_lm.data.mapped_batches import known_of, mapped_batches


def consecutive_batches(ids: npt.ArrayLike, batch_size: int, num_steps: int) -> tf.data.Dataset:
    """Batches whose rows continue those of the batch before, so that a recurrent state can be carried along.

    The sequence of N ids is cut into B rows of N // B; batch after batch moves along them T steps at a time.

    Args:
        ids: integers `(N,)` in [0, 2³¹). Of a memory map each batch is read when its turn comes.
        batch_size: B, rows of a batch, at least 1.
        num_steps: T, time steps of a batch, at least 1.

    Returns:
        A dataset of `(N // B - 1) // T` pairs `(ids, next_ids)`, both int32 `(B, T)`, the same in each epoch;
        what does not fill a batch is left out.

    Raises:
        ValueError: if a size is below 1 or `ids` is not a one-dimensional array of such integers.
        CorpusError: if the sequence is too short for a single batch.

    >>> for ids, next_ids in consecutive_batches(range(30), batch_size=2, num_steps=6):
    ...     print(ids.numpy().tolist())
    [[0, 1, 2, 3, 4, 5], [15, 16, 17, 18, 19, 20]]
    [[6, 7, 8, 9, 10, 11], [21, 22, 23, 24, 25, 26]]
    """
    if isinstance(ids, np.memmap):
        known = checked_map(ids, batch_size, num_steps)
        return _prefetched(mapped_batches(ids, batch_size, num_steps), known)
    sequence = _checked(ids, batch_size, num_steps)
    row_length, num_batches = _row_sizes(len(sequence), batch_size, num_steps)
    rows = sequence[: batch_size * row_length].reshape(batch_size, row_length)

    def batches_from(start: int) -> npt.NDArray[np.int32]:
        steps = rows[:, start : start + num_batches * num_steps]
        return steps.reshape(batch_size, num_batches, num_steps).swapaxes(0, 1)  # (num_batches, B, T)

    return _prefetched(
        tf.data.Dataset.from_tensor_slices((batches_from(0), batches_from(1))), KnownIds.of(sequence)
    )


def random_batches(
    ids: npt.ArrayLike, batch_size: int, num_steps: int, *, seed: int | None = None
) -> tf.data.Dataset:
    """Batches of examples in random order, shuffled anew in each epoch; no row continues another.

    The sequence of N ids is cut into (N - 1) // T examples of T steps, shuffled and dealt out B at a time.

    Args:
        ids: integers `(N,)` in [0, 2³¹).
        batch_size: B, rows of a batch, at least 1.
        num_steps: T, time steps of a batch, at least 1.
        seed: an integer makes the order of every epoch the same in each process; so does None after
            `keras.utils.set_random_seed`. As everywhere in TensorFlow, that global seed, where it is set,
            counts beside this one.

    Returns:
        A dataset of `(N - 1) // T // B` pairs `(ids, next_ids)`, both int32 `(B, T)`; what does not fill a
        batch is left out, other examples in each epoch.

    Raises:
        ValueError: if a size is below 1 or `ids` is not a one-dimensional array of such integers.
        CorpusError: if the sequence is too short for a single batch.

    >>> for ids, next_ids in random_batches(range(30), batch_size=2, num_steps=6, seed=3):
    ...     print(sorted(set(ids.numpy()[:, 0] % 6)), (next_ids - ids).numpy().min())
    [np.int32(0)] 1
    [np.int32(0)] 1
    """
    sequence = _checked(ids, batch_size, num_steps)
    num_examples = (len(sequence) - 1) // num_steps
    if num_examples < batch_size:
        raise CorpusError(
            _too_short(
                len(sequence),
                batch_size,
                num_steps,
                largest_batch_size=num_examples,
                largest_num_steps=(len(sequence) - 1) // batch_size,
            )
        )

    def examples_from(start: int) -> npt.NDArray[np.int32]:
        return sequence[start : start + num_examples * num_steps].reshape(num_examples, num_steps)

    dataset = tf.data.Dataset.from_tensor_slices((examples_from(0), examples_from(1)))
    dataset = dataset.shuffle(num_examples, seed=seed, reshuffle_each_iteration=True)
    return _prefetched(dataset.batch(batch_size, drop_remainder=True), KnownIds.of(sequence))


def _prefetched(dataset: tf.data.Dataset, known: KnownIds) -> tf.data.Dataset:
    options = tf.data.Options()
    # There is nothing to tune, and an epoch could wait 20 ms at its end for the tuner's thread.
    options.autotune.enabled = False
    dataset = dataset.prefetch(2).with_options(options)
    dataset.known_ids = known  # read by `lyric_lm.data.lineage`
    return dataset


def checked_map(ids: npt.NDArray[np.integer[Any]], batch_size: int, num_steps: int) -> KnownIds:
    """What is known of a memory map, if batches can be cut from it.

    Raises:
        ValueError: a size is below 1, or it is not of one dimension, of integers in [0, 2³¹).
        CorpusError: it is too short for a single batch.
    """
    check_at_least_one(batch_size=batch_size, num_steps=num_steps)
    checked_ids(ids[:1])  # its type and shape
    _row_sizes(len(ids), batch_size, num_steps)
    known = known_of(ids)
    checked_ids(np.array([known.lowest, known.highest]), below=2**31)
    return known


def _row_sizes(length: int, batch_size: int, num_steps: int) -> tuple[int, int]:
    """The ids of a row, and the batches along it.

    Raises:
        CorpusError: there is none.
    """
    row_length = length // batch_size
    num_batches = (row_length - 1) // num_steps
    if num_batches < 1:
        raise CorpusError(
            _too_short(
                length,
                batch_size,
                num_steps,
                largest_batch_size=length // (num_steps + 1),
                largest_num_steps=row_length - 1,
            )
        )
    return row_length, num_batches


def _checked(ids: npt.ArrayLike, batch_size: int, num_steps: int) -> npt.NDArray[np.int32]:
    check_at_least_one(batch_size=batch_size, num_steps=num_steps)
    return checked_ids(ids, below=2**31).astype(np.int32, copy=False)


def _too_short(
    length: int, batch_size: int, num_steps: int, *, largest_batch_size: int, largest_num_steps: int
) -> str:
    fewer_rows = (
        f"with num_steps={num_steps} the largest batch_size is {largest_batch_size}"
        if largest_batch_size >= 1
        else f"with num_steps={num_steps} no batch_size fits"
    )
    fewer_steps = (
        f"with batch_size={batch_size} the largest num_steps is {largest_num_steps}"
        if largest_num_steps >= 1
        else f"with batch_size={batch_size} no num_steps fits"
    )
    return (
        f"A text of {length} characters is too short for one batch of batch_size={batch_size} rows and "
        f"num_steps={num_steps} steps: {fewer_rows}, and {fewer_steps}; or take a longer text."
    )
