"""One recurrent layer over a whole batch: on the fast path, or through `keras.layers.RNN`."""

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from lyric_lm.model.recurrence import fast_recurrence, input_bias, scan


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


def fast_layer(
    cell: Any, projected: Any, state: list[Any], training: bool, begins: Any = None
) -> tuple[Any, list[Any]]:
    """Run a cell on inputs that its kernel has multiplied already.

    Args:
        cell: one that `is_fast`.
        projected: float `(T, B, G)`, without the bias.
        state: float `(B, H)` each.
        training: whether gradients are to be fast.
        begins: bool `(B, T)`, before which steps a row's state is the initial one; None: before none.

    Returns:
        Outputs, float `(B, T, H)`, and the new state.
    """
    bias = input_bias(cell)
    if bias is not None:
        projected += tf.convert_to_tensor(bias)
    begins = None if begins is None else tf.expand_dims(tf.transpose(begins), -1)
    outputs, state = fast_recurrence(cell)(projected, state, begins, training)  # type: ignore[misc]
    return tf.transpose(outputs, (1, 0, 2)), state


def generic_layer(
    rnn: keras.layers.RNN, x: Any, state: list[Any], training: bool, begins: Any = None
) -> tuple[Any, list[Any]]:
    """Run any cell, through `keras.layers.RNN` where no row begins anew.

    Args:
        rnn: the layer.
        x: float `(B, T, D)`.
        state: float `(B, H)` each.
        training: whether the cell's own dropout and activity losses count.
        begins: as `fast_layer`'s.

    Returns:
        Outputs, float `(B, T, H)` of the layer's dtype, and the new state.
    """
    state = tf.nest.pack_sequence_as(rnn.get_initial_state(1), state)
    if begins is not None:
        outputs, new_state = _beginning_anew(rnn, x, state, training, begins)
    elif training:
        outputs, *new_state = rnn(x, initial_state=state, training=True)
    else:
        # RNN.call would draw dropout masks, and so advance the cell's seeds, even outside training.
        with _as_a_loop(rnn):
            _, outputs, new_state = rnn.inner_loop(x, state, mask=None, training=False)
    return tf.cast(outputs, rnn.compute_dtype), list(tf.nest.flatten(new_state))


def _beginning_anew(rnn: keras.layers.RNN, x: Any, state: Any, training: bool, begins: Any) -> Any:
    """What `rnn` computes, but for the new beginnings: outputs, float (B, T, H), and the state's tensors."""
    cell, flat_state = rnn.cell, tf.nest.flatten(state)
    initial = tf.nest.flatten(rnn.get_initial_state(tf.shape(x)[0]))
    mode = {"training": training} if "training" in inspect.signature(cell.call).parameters else {}

    def step(flat: list[Any], inputs: Any) -> tuple[list[Any], list[Any]]:
        x, begin = inputs
        flat = [tf.where(begin, tf.cast(i, s.dtype), s) for i, s in zip(initial, flat, strict=True)]
        output, after = cell(x, tf.nest.pack_sequence_as(state, flat), **mode)
        after = [tf.cast(a, s.dtype) for a, s in zip(tf.nest.flatten(after), flat, strict=True)]
        return after, [tf.cast(output, rnn.compute_dtype)]

    drops = training and hasattr(cell, "get_dropout_mask")
    if drops:  # one mask for all steps, drawn outside of the loop
        cell.get_dropout_mask(x[:, 0])
        cell.get_recurrent_dropout_mask(flat_state[0])
    inputs = tf.transpose(tf.cast(x, rnn.compute_dtype), (1, 0, 2)), tf.expand_dims(tf.transpose(begins), -1)
    with contextlib.nullcontext() if training else _as_a_loop(rnn):
        flat_state, (outputs,) = scan(step, flat_state, inputs, widths=[output_size(cell)], unroll=rnn.unroll)
    if drops:
        cell.reset_dropout_mask()
        cell.reset_recurrent_dropout_mask()
    return tf.transpose(outputs, (1, 0, 2)), flat_state


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
