"""One recurrent layer over a whole batch: on the fast path, or through `keras.layers.RNN`."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from lyric_lm.model.recurrence import fast_recurrence, input_bias


def recurrent_layer(cell: Any, dtype: Any) -> keras.layers.RNN:
    """The layer of a cell, not yet built.

    Args:
        cell: a Keras RNN cell, which keeps the dtype policy that it has.
        dtype: the policy of everything around it.
    """
    # Keras cannot take an activity loss out of a loop: such a cell trains unrolled.
    unroll = getattr(cell, "activity_regularizer", None) is not None
    return keras.layers.RNN(cell, return_sequences=True, return_state=True, unroll=unroll, dtype=dtype)


def is_fast(rnn: keras.layers.RNN) -> bool:
    """Whether a layer can take the fast path, which knows one dtype."""
    return fast_recurrence(rnn.cell) is not None and rnn.cell.compute_dtype == rnn.compute_dtype


def output_size(cell: Any) -> int:
    """H, of any cell."""
    size = getattr(cell, "output_size", None) or cell.state_size
    return int(size if isinstance(size, int) else size[0])


def fast_layer(cell: Any, projected: Any, state: list[Any]) -> tuple[Any, list[Any]]:
    """Run a cell on inputs that its kernel has multiplied already.

    Args:
        cell: one that `is_fast`.
        projected: float `(T, B, G)`, without the bias.
        state: float `(B, H)` each.

    Returns:
        Outputs, float `(B, T, H)`, and the new state.
    """
    bias = input_bias(cell)
    if bias is not None:
        projected += tf.convert_to_tensor(bias)
    outputs, state = fast_recurrence(cell)(projected, state)  # type: ignore[misc]
    return tf.transpose(outputs, (1, 0, 2)), state


def generic_layer(rnn: keras.layers.RNN, x: Any, state: list[Any], training: bool) -> tuple[Any, list[Any]]:
    """Run any cell, through `keras.layers.RNN`.

    Args:
        rnn: the layer.
        x: float `(B, T, D)`.
        state: float `(B, H)` each.
        training: whether the cell's own dropout and activity losses count.

    Returns:
        Outputs, float `(B, T, H)` of the layer's dtype, and the new state.
    """
    state = tf.nest.pack_sequence_as(rnn.get_initial_state(1), state)
    if training:
        outputs, *new_state = rnn(x, initial_state=state, training=True)
    else:
        # RNN.call would draw dropout masks, and so advance the cell's seeds, even outside training.
        with _as_a_loop(rnn):
            _, outputs, new_state = rnn.inner_loop(x, state, mask=None, training=False)
    return tf.cast(outputs, rnn.compute_dtype), list(tf.nest.flatten(new_state))


@contextlib.contextmanager
def _as_a_loop(rnn: keras.layers.RNN) -> Iterator[None]:
    """Without the activity losses for which the layer is unrolled, and which only training counts."""
    if not rnn.unroll:
        yield
        return
    regularizer, rnn.cell.activity_regularizer, rnn.unroll = rnn.cell.activity_regularizer, None, False
    try:
        yield
    finally:
        rnn.cell.activity_regularizer, rnn.unroll = regularizer, True
