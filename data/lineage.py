"""What a `tf.data.Dataset` was made of: `map`, `take` and the like hide the dataset that they change."""

from typing import Any

import numpy as np
import tensorflow as tf

from lyric_lm.data.known_ids import KnownIds

# Each hands out again what it got in an earlier epoch.
_KEEPERS = {"_RepeatDataset": "repeat", "CacheDataset": "cache"}
_SHUFFLE = "_ShuffleDataset"
_UNCHANGED = "UnaryUnchangedStructureDataset"  # TensorFlow's class of all that pass elements on as they are


def sources(dataset: tf.data.Dataset) -> tuple[tf.data.Dataset, ...]:
    """The datasets that this one was made of, by a single transformation."""
    return tuple(dataset._inputs())  # no public name; as in TensorFlow 2.20 and 2.21


def epoch_numbers(dataset: Any) -> list[tf.Variable]:
    """The variables from which `varied_batches`, also behind transformations, read their epoch's number.

    Raises:
        ValueError: a transformation would hand out the same text in every epoch.

    >>> from lyric_lm.data import varied_batches
    >>> batches = varied_batches(range(30), batch_size=2, num_steps=6)
    >>> epoch_numbers(batches.take(1)) == [batches.epoch]
    True
    """
    if not isinstance(dataset, tf.data.Dataset):
        return []
    if isinstance(number := getattr(dataset, "epoch", None), tf.Variable):
        return [number]
    found = [number for source in sources(dataset) for number in epoch_numbers(source)]
    if found and (keeper := _KEEPERS.get(type(dataset).__name__)):
        raise ValueError(
            f"`{keeper}` hands out one epoch's text of `varied_batches` again: leave it out, since `fit` "
            "starts the batches anew in each epoch."
        )
    return found


def mixes_rows(dataset: Any) -> bool:
    """Whether a dataset's examples are shuffled, so that no row continues the one of the batch before.

    A shuffle of something else, from which examples are cut afterwards, does not count.

    >>> from lyric_lm.data import consecutive_batches, random_batches
    >>> [mixes_rows(make(range(30), 2, 6).take(1)) for make in (consecutive_batches, random_batches)]
    [False, True]
    """
    if not isinstance(dataset, tf.data.Dataset):
        return False
    pending, structure = [dataset], tf.nest.map_structure(lambda _: 0, dataset.element_spec)
    while pending:
        latest = pending.pop()
        if type(latest).__name__ == _SHUFFLE and structure == tf.nest.map_structure(
            lambda _: 0, latest.element_spec
        ):
            return True
        pending.extend(sources(latest))
    return False


def known_ids(data: Any) -> KnownIds | None:
    """What is known of an array's ids, or of batches of ours that no transformation may have changed.

    >>> from lyric_lm.data import consecutive_batches
    >>> batches = consecutive_batches(range(30), batch_size=2, num_steps=6)
    >>> known_ids(batches.take(1))
    KnownIds(lowest=0, highest=29, vocabulary=None)
    >>> known_ids(batches.map(lambda x, y: (x + 1, y)))
    """
    while isinstance(data, tf.data.Dataset):
        if (found := getattr(data, "known_ids", None)) is not None:
            return found  # type: ignore[no-any-return]
        if _UNCHANGED not in {base.__name__ for base in type(data).__mro__}:
            return None
        (data,) = sources(data)
    if isinstance(data, tf.Tensor):
        data = np.asarray(data)
    if isinstance(data, np.ndarray) and data.dtype.kind in "iu" and data.size:
        return KnownIds.of(data)
    return None
