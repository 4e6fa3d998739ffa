"""The fast path of a recurrent layer: all the work that does not depend on the previous step, done at once.

A Keras cell computes one step from ``(input, state)``. Run as written, T steps cost T small products for the
input, and automatic differentiation adds T more for the gradient of each kernel. Here, for the three cells
that Keras ships:

* the input projections of all T steps are one product (or one gather of kernel rows, where the input is a
  one-hot character) and reach this module finished, as ``projected``;
* a loop does only what depends on the previous step: a product with the recurrent kernel, then what the cell
  does unit by unit;
* between products a unit's values depend on its own values alone, so a tape finds every derivative beside the
  value, while it is at hand, and the backward loop only multiplies by them;
* that loop hands out the gradient at each step's product, from which the gradient of the recurrent kernel
  follows as one product over all B*T positions.

The mathematics is the cell's own. Arrays are time-major, ``(T, B, ...)``, so that a step is one slice. A gate
is H wide; G is H times the cell's number of gates.
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# A step of a cell, (x, state, product, kept) -> state. x is the projected input as a list of gates; the first
# state is the output; product(h) is h times the next recurrent kernel, as a list of gates, and the first h is
# the first state. kept(c) is the new second state c, where the first is made from it: so its derivatives are
# held once, 3.4 MB less for the chapter's LSTM. All else acts on each unit by itself.
Product = Callable[[Any], list[Any]]
Step = Callable[[list[Any], list[Any], Product, Callable[[Any], Any]], list[Any]]


def fast_recurrence(cell: keras.layers.Layer) -> Callable[..., tuple[Any, list[Any]]] | None:
    """The fast function for a cell, or None where only the cell's own ``call`` knows what it computes.

    A subclass may have changed the mathematics, dropout redraws masks, an activity regularizer's penalty is
    added by ``call``, an activation may learn or mix units (softmax): all are left to ``keras.layers.RNN``.

    Args:
        cell: a Keras RNN cell.

    Returns:
        A function ``(projected, state, begins, training) -> (outputs, state)``: ``projected`` float
        ``(T, B, G)`` is the input times the input kernel plus the input bias; ``state`` is a list of float
        ``(B, H)``; ``begins`` bool ``(T, B, 1)``, before which steps a row's state is zeroed, or None;
        ``training`` is whether gradients are to be fast, at the cost of what they need; ``outputs`` float
        ``(T, B, H)``.
    """
    make_step = _STEPS.get(type(cell))
    if make_step is None or cell.dropout or cell.recurrent_dropout or cell.activity_regularizer is not None:
        return None
    activations = {cell.activation, getattr(cell, "recurrent_activation", cell.activation)}
    if not all(_acts_unit_by_unit(activation, cell.units) for activation in activations):
        return None
    return functools.partial(_run, cell, make_step(cell))


def input_bias(cell: keras.layers.Layer) -> Any | None:
    """The bias that joins the input projection, float ``(G,)``; None for a cell without bias."""
    if not cell.use_bias:
        return None
    return cell.bias[0] if cell.bias.shape.rank == 2 else cell.bias


@functools.lru_cache(maxsize=128)
def _acts_unit_by_unit(activation: Callable[[Any], Any], units: int) -> bool:
    """Whether, on trial, an output depends on its own unit's input alone, and on nothing that learns."""
    if isinstance(activation, keras.layers.Layer):
        return False  # may compute something else in training
    before, after = np.random.default_rng(0).normal(scale=3, size=(2, 16, units)).astype(np.float32)
    changed = np.random.default_rng(1).random((16, units)) < 0.5
    with tf.init_scope():
        traced = tf.function(activation).get_concrete_function(tf.constant(before))
        first, second = (traced(tf.constant(x)) for x in (before, np.where(changed, after, before)))
    if first.shape != changed.shape or traced.trainable_variables:
        return False
    return np.array_equal(np.where(changed, 0, first), np.where(changed, 0, second), equal_nan=True)


def _simple_rnn(cell: Any) -> Step:
    def step(x: Any, state: list[Any], product: Product, _: Any) -> list[Any]:
        return [cell.activation(x[0] + product(state[0])[0])]

    return step


def _lstm(cell: Any) -> Step:
    def step(x: Any, state: list[Any], product: Product, kept: Any) -> list[Any]:
        i, f, g, o = (a + b for a, b in zip(x, product(state[0]), strict=True))
        i, f, o = cell.recurrent_activation(i), cell.recurrent_activation(f), cell.recurrent_activation(o)
        c = f * state[1] + i * cell.activation(g)
        return [o * cell.activation(kept(c)), c]

    return step


def _gru(cell: Any) -> Step:
    def reset_after(x: Any, state: list[Any], product: Product, _: Any) -> list[Any]:
        (x_z, x_r, x_c), (h_z, h_r, h_c) = x, product(state[0])
        z, r = cell.recurrent_activation(x_z + h_z), cell.recurrent_activation(x_r + h_r)
        return [z * state[0] + (1 - z) * cell.activation(x_c + r * h_c)]

    def reset_before(x: Any, state: list[Any], product: Product, _: Any) -> list[Any]:
        (x_z, x_r, x_c), (h_z, h_r) = x, product(state[0])
        z, r = cell.recurrent_activation(x_z + h_z), cell.recurrent_activation(x_r + h_r)
        (h_c,) = product(r * state[0])
        return [z * state[0] + (1 - z) * cell.activation(x_c + h_c)]

    return reset_after if cell.reset_after else reset_before


_STEPS: dict[type, Callable[[Any], Step]] = {
    keras.layers.SimpleRNNCell: _simple_rnn,
    keras.layers.GRUCell: _gru,
    keras.layers.LSTMCell: _lstm,
}


def _recurrent_weights(cell: Any) -> tuple[list[Any], list[Any]]:
    """The kernels that a step multiplies by, in order, float (H, *), and what is added to their products."""
    kernel = tf.convert_to_tensor(cell.recurrent_kernel)
    if not getattr(cell, "reset_after", True):
        return tf.split(kernel, [2 * cell.units, cell.units], axis=-1), []
    has_bias = cell.use_bias and cell.bias.shape.rank == 2
    return [kernel], [tf.convert_to_tensor(cell.bias)[1]] if has_bias else []


def _gates(joined: Any, units: int) -> list[Any]:
    return tf.split(joined, joined.shape[-1] // units, axis=-1)  # type: ignore[no-any-return]


def _product(kernels: list[Any], biases: list[Any], units: int) -> Product:
    """What a step multiplies with: at each call by the next kernel."""
    next_one = iter(itertools.zip_longest(kernels, biases))

    def product(operand: Any) -> list[Any]:
        kernel, bias = next(next_one)
        made = operand @ kernel
        return _gates(made if bias is None else made + bias, units)

    return product


def _run(
    cell: Any, step: Step, projected: Any, state: list[Any], begins: Any, training: bool
) -> tuple[Any, list[Any]]:
    """All T steps; see `fast_recurrence`."""
    run = _with_gradient if training else _without
    outputs, *last = run(cell, step, projected, state, begins)
    return outputs, [outputs[-1], *last]


def _without(cell: Any, step: Step, projected: Any, state: list[Any], begins: Any) -> list[Any]:
    """All T steps, left to automatic differentiation: outputs, float (T, B, H), and what else is carried."""
    weights = _recurrent_weights(cell)

    def forward(state: list[Any], inputs: Any) -> tuple[list[Any], list[Any]]:
        x, begin = inputs
        product = _product(*weights, cell.units)
        state = step(x, _zeroed(state, begin), product, lambda value: value)
        return state, [state[0]]

    last, (outputs,) = scan(forward, state, [_gates(projected, cell.units), begins], widths=[cell.units])
    return [outputs, *last[1:]]


def _with_gradient(cell: Any, step: Step, projected: Any, state: list[Any], begins: Any) -> list[Any]:
    """The same, with what its gradient needs."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(x: Any, state: list[Any], kernels: list[Any], biases: list[Any]) -> tuple[Any, Any]:
        def forward(state: list[Any], inputs: Any) -> tuple[list[Any], Any]:
            x, begin = inputs
            return _with_slopes(step, x, _zeroed(state, begin), kernels, biases)

        def distinct(state: list[Any], inputs: Any) -> tuple[list[Any], list[Any]]:
            state, kept = forward(state, inputs)
            return state, [state[0], *_distinct(kept)]

        x = _gates(x, cell.units)
        first = None if begins is None else begins[0]
        _, kept = forward(state, ([gate[0] for gate in x], first))  # for its structure
        last, saved = scan(distinct, state, [x, begins], widths=[cell.units] * (1 + len(_distinct(kept))))
        outputs, *saved = saved

        def grad(d_outputs: Any, *d_last: Any) -> tuple[Any, list[Any], list[Any], list[Any]]:
            before = _zeroed([tf.concat([state[0][None], outputs[:-1]], axis=0)], begins)
            places = {id(s): stacked for s, stacked in zip(_distinct(kept), saved, strict=True)}
            operands, slopes = tf.nest.map_structure(lambda s: places.get(id(s), s), kept)
            d_state = [tf.zeros_like(state[0]), *d_last]
            d_x, d_state, d_products = _run_back(slopes, kernels, d_outputs, d_state, begins)
            d_kernels = [_joint_product(h, d) for h, d in zip([*before, *operands], d_products, strict=True)]
            return d_x, d_state, d_kernels, [tf.reduce_sum(d, [0, 1]) for d in d_products[: len(biases)]]

        return (outputs, *last[1:]), grad

    return run(projected, state, *_recurrent_weights(cell))  # type: ignore[no-any-return]


def _joint_product(h: Any, d: Any) -> Any:
    """Sum over all T*B positions of h, float (T, B, H), times d, float (T, B, G): float (H, G)."""
    h, d = (tf.reshape(x, (-1, x.shape[-1])) for x in (h, d))
    return tf.matmul(h, d, transpose_a=True)  # an einsum would lay the transpose out first


def _zeroed(state: list[Any], begins: Any) -> list[Any]:
    """The state, or its gradient, float (..., B, H), zero where a row begins: bool (..., B, 1), or None."""
    return state if begins is None else [tf.where(begins, tf.zeros_like(s), s) for s in state]


def _distinct(nested: Any) -> list[Any]:
    """Each tensor among nested values once, in order."""
    return list({id(value): value for value in tf.nest.flatten(nested) if tf.is_tensor(value)}.values())


def _with_slopes(
    step: Step, x: list[Any], state: list[Any], kernels: list[Any], biases: list[Any]
) -> tuple[list[Any], Any]:
    """One step, and the derivatives of all that it computes.

    Returns:
        The new state; what the kernels after the first multiply, float ``(B, H)`` each; and in the place of
        each array of x, products, state and kept a list: the derivative by it, float ``(B, H)``, of each
        value of the step (what those kernels multiply, then the new state), or None where the value does not
        depend on it.
    """
    operands: list[Any] = []
    products: list[Any] = []
    kept: list[Any] = []
    multiply = _product(kernels, biases, x[0].shape[-1])

    def product(operand: Any) -> list[Any]:
        with tape.stop_recording():
            gates = multiply(operand)
        operands.append(operand)
        products.append(gates)
        tape.watch(gates)
        return gates

    def keep(value: Any) -> Any:
        with tape.stop_recording():
            kept.append(tf.identity(value))
        tape.watch(kept[-1])
        return kept[-1]

    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, state])
        after = step(x, state, product, keep)
    leaves = [x, products, state, kept]
    values = [*operands[1:], *after]
    slopes = tf.nest.map_structure(lambda *s: [None, *s], *(tape.gradient(v, leaves) for v in values))
    slopes[2][0][0] = 1.0  # the first kernel multiplies the first state itself
    return after, (operands[1:], slopes)


def _run_back(
    slopes: Any, kernels: list[Any], d_outputs: Any, d_last: list[Any], begins: Any
) -> tuple[Any, list[Any], list[Any]]:
    """The gradients of x, float (T, B, G), of the state before the first step and of each product.

    They leave the loop finished: XLA takes five times as long to sum a bias's gradient over what is computed
    after it. Where x only joins the products, as it does in all but the GRU, its gradient is theirs.
    """
    joined = all(a is b for a, b in zip(*map(tf.nest.flatten, slopes[:2]), strict=True))
    kernels_t = [tf.transpose(kernel) for kernel in kernels]

    def step(d_state: list[Any], inputs: Any) -> tuple[list[Any], list[Any]]:
        d_output, x_slopes, product_slopes, state_slopes, kept_slopes, begin = inputs
        d_values: list[Any] = [None] * len(kernels) + [d_state[0] + d_output, *d_state[1:]]
        d_values[len(kernels) + 1 :] = map(tf.add, d_state[1:], _chain(d_values, kept_slopes))
        d_products: list[Any] = [None] * len(kernels)
        for k in reversed(range(len(kernels))):
            d_products[k] = tf.concat(_chain(d_values, product_slopes[k]), axis=-1)
            d_values[k] = d_products[k] @ kernels_t[k]
        d_x = tf.concat(_chain(d_values, x_slopes), axis=-1)
        return _zeroed(_chain(d_values, state_slopes), begin), [d_x] if joined else [d_x, *d_products]

    sizes = [kernel.shape[-1] for kernel in kernels]
    widths = [sum(sizes)] if joined else [len(slopes[0]) * d_outputs.shape[-1], *sizes]
    d_state, (d_x, *d_products) = scan(
        step, d_last, [d_outputs, *slopes, begins], widths=widths, reverse=True
    )
    return d_x, d_state, d_products or tf.split(d_x, sizes, axis=-1)


def _chain(d_values: list[Any], slopes: list[list[Any]]) -> list[Any]:
    """The chain rule: for each array of slopes the sum over the values of d_value times slope."""
    terms = [[d * s for d, s in zip(d_values, of_one, strict=True) if s is not None] for of_one in slopes]
    return [tf.add_n(found) if found else tf.zeros_like(d_values[-1]) for found in terms]


def scan(
    step: Callable[[list[Any], Any], tuple[list[Any], list[Any]]],
    carry: list[Any],
    inputs: Any,
    *,
    widths: list[int],
    reverse: bool = False,
    unroll: bool = False,
) -> tuple[list[Any], list[Any]]:
    """Run ``carry, outputs = step(carry, inputs at t)`` over t and stack the outputs.

    A loop rather than T unrolled copies: measured as fast under XLA, and compiled in 0.4 s instead of 2.4 s.

    Args:
        step: the step function.
        carry: list of float ``(B, H)``.
        inputs: nested ``(T, B, *)``, the first one float; what is no tensor is the same at each step.
        widths: the last axis of each output; XLA needs the shape before the loop starts.
        reverse: from the last step to the first; outputs still stand in time order.
        unroll: T copies nevertheless, forwards: for a step that adds losses.
    """

    def inputs_at(t: Any) -> Any:
        return tf.nest.map_structure(lambda x: x[t] if tf.is_tensor(x) else x, inputs)

    first = tf.nest.flatten(inputs)[0]
    num_steps, batch_size = first.shape[:2]
    if num_steps == 1 or unroll:  # one: sampling, no loop to set up
        each = []
        for t in range(num_steps):
            carry, outputs = step(carry, inputs_at(t))
            each.append(outputs)
        return carry, [tf.stack(y) for y in zip(*each, strict=True)]
    shapes = [(batch_size, width) for width in widths]
    num_steps = tf.shape(first)[0]
    arrays = [tf.TensorArray(first.dtype, num_steps, element_shape=shape) for shape in shapes]

    def body(i: Any, carry: list[Any], arrays: list[Any]) -> tuple[Any, list[Any], list[Any]]:
        t = num_steps - 1 - i if reverse else i
        carry, outputs = step(carry, inputs_at(t))
        return i + 1, carry, [array.write(t, y) for array, y in zip(arrays, outputs, strict=True)]

    carry = [tf.ensure_shape(c, (batch_size, c.shape[-1])) for c in carry]
    _, carry, arrays = tf.while_loop(
        lambda i, *_: i < num_steps, body, (tf.constant(0), carry, arrays), maximum_iterations=num_steps
    )
    stacked = [array.stack() for array in arrays]  # (T, B, width)
    return carry, [tf.ensure_shape(y, (first.shape[0], *s)) for y, s in zip(stacked, shapes, strict=True)]
