"""`CarriedState`: the one owner of a hidden state that outlives a batch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf


class CarriedState:
    """Hidden state kept between compiled steps, in variables that fit any batch size.

    A `tf.Variable` of shape `(None, H)` takes a new batch size by assignment, but under XLA only outside the
    compiled step; so `start` sizes it beforehand.

    Args:
        initial: from B to the state that a text starts from, a float `(B, H)` for each tensor.
    """

    def __init__(self, initial: Callable[[int], list[Any]]) -> None:
        self._initial = initial
        self._variables: list[tf.Variable] = []

    @property
    def rows(self) -> int:
        """B; 0 before the first batch is known."""
        return int(tf.shape(self._variables[0])[0]) if self._variables else 0

    def start(self, rows: int | None = None) -> None:
        """Set the state to the initial one, zeros for the cells that Keras ships.

        Args:
            rows: B; None keeps the present one.
        """
        initial = self._initial(self.rows if rows is None else rows)
        if [i.dtype for i in initial] != [v.dtype for v in self._variables]:
            self._variables = [
                tf.Variable(i, trainable=False, shape=(None, i.shape[1]), name="carried_state")
                for i in initial
            ]
        self.assign(initial)

    def fit_to(self, rows: int) -> None:
        """Start afresh only where the state has another batch size."""
        if self.rows != rows:
            self.start(rows)

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
