"""What `fit` and `evaluate` are given, looked at before the first step."""

import math
from typing import Any

import keras
import tensorflow as tf

_CURE = (
    "A carried state needs batches of one size, since each row continues the same row of the batch before. "
    "Cut the text with lyric_lm.data.consecutive_batches, leave a smaller last batch out "
    "(drop_remainder=True, a batch_size that divides the rows), or build the model with stateful=False."
)


def rows_of_batches(
    x: Any, batch_size: int | None, *, steps: int | None = None, name: str = "x"
) -> int | None:
    """The number of rows B of every batch that will be drawn from `x`; None where it cannot be known.

    A dataset of a known number of batches whose shape says nothing is read once.

    Args:
        x: what `fit` takes.
        batch_size: as given to `fit`; counts for arrays.
        steps: the number of batches that will be drawn; None for all.
        name: what the message calls the data.

    Raises:
        ValueError: the batches differ in size.
    """
    rows = rows_of_a_batch(x, batch_size, steps)
    if isinstance(x, tf.data.Dataset):
        if rows is not None:
            return rows
        if int(x.cardinality()) < 1:
            return None
        return _same(*_fewest_and_most(x if steps is None else x.take(steps)), name)
    if isinstance(x, keras.utils.PyDataset):
        count = x.num_batches
        if count is not None:  # the two items that may differ; the others are looked at as they come
            count = min(count, steps or count)
            _same(len(tf.nest.flatten(x[count - 1])[0]), len(tf.nest.flatten(x[0])[0]), name)
        return None
    if rows is None:
        return None  # a generator, say: its batches are looked at as they come
    num_rows = len(x)
    if num_rows % rows and (steps is None or steps > num_rows // rows):
        raise ValueError(f"{num_rows} rows of `{name}` do not divide by batch_size={rows}. {_CURE}")
    return rows


def rows_of_a_batch(x: Any, batch_size: int | None, steps: int | None) -> int | None:
    """The rows of all batches but a smaller last one; None where their shape does not tell."""
    if isinstance(x, tf.data.Dataset):
        rows = tf.nest.flatten(x.element_spec)[0].shape[:1]
        return None if not rows.rank or rows[0] is None else int(rows[0])
    if not hasattr(x, "shape"):
        return None
    return min(batch_size or array_batch_size(len(x), steps), len(x))


def check_pairs(
    x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None, *, name: str = "x"
) -> None:
    """Check, as far as can be seen without reading any data, that there are ids `(B, T)` and targets.

    Args:
        x: what `fit` takes.
        y: likewise.
        sample_weight: likewise.
        class_weight: likewise.
        name: what the message calls the data.

    Raises:
        ValueError: they are unbatched, of another shape, without targets or with weights.
    """
    if class_weight is not None:
        raise ValueError("`RNNModel` weighs all characters alike; leave out `class_weight`.")
    ids, parts = x, 1 + (y is not None) + (sample_weight is not None)
    if isinstance(x, tf.data.Dataset):
        spec = x.element_spec
        ids, parts = tf.nest.flatten(spec)[0], len(spec) if isinstance(spec, tuple) else 1
        if ids.shape.rank == 1:
            raise ValueError(
                f"`{name}` is a dataset of single rows: put them into batches, "
                f"{name}.batch(32, drop_remainder=True) say. Received: elements of shape {ids.shape}"
            )
    shape = getattr(ids, "shape", None)
    if isinstance(shape, tf.TensorShape):
        shape = None if shape.rank is None else tuple(shape)
    if shape is not None and len(shape) != 2:
        raise ValueError(f"`{name}` must hold ids of shape (B, T). Received: shape={tuple(shape)}")
    if shape is not None and parts == 1:
        raise ValueError(f"`{name}` comes without its targets: give pairs (ids, next_ids), both (B, T).")
    if parts > 2 or sample_weight is not None:
        raise ValueError("`RNNModel` weighs all characters alike; leave out `sample_weight`.")


def split_arrays(
    x: Any, y: Any, sample_weight: Any, validation_split: float, validation_data: Any
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any] | None]:
    """What `fit` will train and validate on, each as (x, y, sample_weight); None without validation."""
    if validation_data is not None:
        return (x, y, sample_weight), keras.utils.unpack_x_y_sample_weight(validation_data)
    if not validation_split or not hasattr(x, "shape"):
        return (x, y, sample_weight), None
    num_rows = math.floor(len(x) * (1 - validation_split))

    def cut(rows: slice) -> tuple[Any, Any, Any]:
        ids, next_ids, weights = (None if part is None else part[rows] for part in (x, y, sample_weight))
        return ids, next_ids, weights

    return cut(slice(num_rows)), cut(slice(num_rows, None))


def array_batch_size(num_rows: int, steps: int | None) -> int:
    """What Keras takes for a `batch_size` that was not given."""
    return -(-num_rows // steps) if steps else 32


def check_rows(rows: int, expected: int) -> None:
    """Raise ValueError where a batch has other rows than those before it."""
    _same(rows, expected, "x")


def _same(fewest: int, most: int, name: str) -> int:
    if fewest != most:
        raise ValueError(f"`{name}` has batches of {fewest} and of {most} rows. {_CURE}")
    return most


def _fewest_and_most(dataset: tf.data.Dataset) -> tuple[int, int]:
    def update(found: Any, *batch: Any) -> Any:
        rows = tf.shape(tf.nest.flatten(batch)[0])[0]
        return tf.minimum(found[0], rows), tf.maximum(found[1], rows)

    fewest, most = dataset.reduce((tf.int32.max, 0), update)
    return int(fewest), int(most)
