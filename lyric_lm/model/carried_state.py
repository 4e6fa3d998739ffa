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

    @property
    def rows(self) -> int:
        """B; 0 before the first batch is known."""
        return int(tf.shape(self._variables[0])[0]) if self._variables else 0

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
        if self.rows != batch_size:
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
