"""`CarriedState`: the one owner of a hidden state that outlives a batch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from lyric_lm.model.replicas import parts, rows_of_parts, scope_of


class CarriedState:
    """Hidden state kept between compiled steps, in variables that fit any batch size.

    A `tf.Variable` of shape `(None, H)` takes a new batch size by assignment, but under XLA only outside the
    compiled step; so `start` sizes it beforehand.

    Args:
        initial: from B to the state that a text starts from, a float `(B, H)` for each tensor.
        strategy: each of its replicas keeps the state of its own rows; None: one device keeps all.
    """

    def __init__(
        self, initial: Callable[[int], list[Any]], strategy: tf.distribute.Strategy | None = None
    ) -> None:
        self._initial = initial
        self._strategy = strategy
        self._variables: list[tf.Variable] = []
        self.rows = 0  # B; 0 before the first batch is known

    def start(self, rows: int | None = None) -> None:
        """Set the state to the initial one, zeros for the cells that Keras ships.

        Args:
            rows: B; None keeps the present one.
        """
        self.rows = self.rows if rows is None else rows
        initial = self._initial(self.rows)
        if [i.dtype for i in initial] != [v.dtype for v in self._variables]:
            with scope_of(self._strategy):
                self._variables = [_variable(i) for i in initial]
        for variable, value in zip(self._variables, initial, strict=True):
            own_rows = rows_of_parts(self._strategy, value)
            for part, rows_of_part in zip(parts(self._strategy, variable), own_rows, strict=True):
                part.assign(rows_of_part)

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
        """The state's values, each float `(B, H)`; of several workers, those of this one's rows."""
        return [
            np.concatenate([part.numpy() for part in parts(self._strategy, variable)])
            for variable in self._variables
        ]


def _variable(initial: Any) -> tf.Variable:
    return tf.Variable(
        initial,
        trainable=False,
        shape=(None, initial.shape[1]),
        name="carried_state",
        synchronization=tf.VariableSynchronization.ON_READ,  # each replica has a state of its own
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )
