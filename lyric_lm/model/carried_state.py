"""`CarriedState`: the one owner of a hidden state that outlives a batch."""

from typing import Any

import numpy as np
import tensorflow as tf


class CarriedState:
    """Hidden state kept between compiled steps, in variables that fit any batch size.

    A `tf.Variable` of shape `(None, H)` takes a new batch size by assignment, but under XLA only outside the
    compiled step; so `zero` sizes it beforehand.
    """

    def __init__(self) -> None:
        self._variables: list[tf.Variable] = []

    def zero(self, shapes: list[tuple[int, Any]] | None = None, batch_size: int = 0) -> None:
        """Set every entry to zero.

        Args:
            shapes: (H, dtype) for each tensor of the state; None keeps the present sizes.
            batch_size: B.
        """
        if shapes is None:
            for variable in self._variables:
                variable.assign(tf.zeros_like(variable))
            return
        zeros = [tf.zeros((batch_size, width), dtype) for width, dtype in shapes]
        if [z.dtype for z in zeros] != [v.dtype for v in self._variables]:
            self._variables = [
                tf.Variable(z, trainable=False, shape=(None, z.shape[1]), name="carried_state") for z in zeros
            ]
        self.assign(zeros)

    def fit_to(self, shapes: list[tuple[int, Any]], batch_size: int) -> None:
        """Zero the state only where it has another batch size."""
        if not self._variables or self._variables[0].numpy().shape[0] != batch_size:
            self.zero(shapes, batch_size)

    def read(self, batch_size: int | None) -> list[Any]:
        """The state's tensors, each float `(B, H)`."""
        return [tf.ensure_shape(v.read_value(), (batch_size, v.shape[1])) for v in self._variables]

    def assign(self, state: list[Any]) -> None:
        """Keep the state for the next batch."""
        for variable, value in zip(self._variables, state, strict=True):
            variable.assign(value)

    def numpy(self) -> list[np.ndarray[Any, Any]]:
        """The state's values, each float `(B, H)`."""
        return [variable.numpy() for variable in self._variables]


def batch_size_of(x: Any, batch_size: int | None) -> int:
    """The number of rows B in every batch that `fit` will draw from `x`.

    Raises:
        ValueError: the rows cannot be known beforehand, or the last batch would be smaller.
    """
    if isinstance(x, tf.data.Dataset):
        rows = tf.nest.flatten(x.element_spec)[0].shape[0]
        if rows is None:
            rows = tf.nest.flatten(next(iter(x)))[0].shape[0]
        return int(rows)
    if isinstance(x, (np.ndarray, tf.Tensor)):
        rows = min(batch_size or 32, len(x))
        if len(x) % rows:
            raise ValueError(
                f"A carried state needs equal batches, but {len(x)} rows do not divide by batch_size={rows}. "
                "Use lyric_lm.data.consecutive_batches, or drop the remainder."
            )
        return rows
    if hasattr(x, "__getitem__"):  # keras.utils.PyDataset
        return len(tf.nest.flatten(x[0])[0])
    raise ValueError(
        "A carried state needs to know the batch size beforehand: pass a tf.data.Dataset, arrays or a "
        f"keras.utils.PyDataset. Received: x of type {type(x).__name__}"
    )
