"""One contract for every cell: fast == generic, and whole == split == one step at a time."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary

B, T, V, H = 2, 6, 5, 4
VOCABULARY = Vocabulary("abcde")


@keras.saving.register_keras_serializable(package="tests")
class LeakyCell(keras.layers.Layer):  # type: ignore[misc]
    """A user's own cell: h' = (1 - a) h + a tanh(x W + h U)."""

    def __init__(self, units: int, leak: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.state_size = units
        self.leak = leak

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), name="recurrent_kernel")

    def call(self, inputs: Any, states: Any) -> Any:
        h = states[0] if isinstance(states, (list, tuple)) else states
        pre = keras.ops.matmul(inputs, self.kernel) + keras.ops.matmul(h, self.recurrent_kernel)
        h = (1 - self.leak) * h + self.leak * keras.ops.tanh(pre)
        return h, [h]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "leak": self.leak}


FAST_CELLS = {
    "simple": lambda: keras.layers.SimpleRNNCell(H, bias_initializer="random_normal"),
    "simple relu": lambda: keras.layers.SimpleRNNCell(H, activation="relu"),
    "simple sigmoid without bias": lambda: keras.layers.SimpleRNNCell(
        H, activation="sigmoid", use_bias=False
    ),
    "gru": lambda: keras.layers.GRUCell(H, bias_initializer="random_normal"),
    "gru without bias": lambda: keras.layers.GRUCell(H, use_bias=False),
    "gru reset before": lambda: keras.layers.GRUCell(H, reset_after=False, bias_initializer="random_normal"),
    "gru relu": lambda: keras.layers.GRUCell(H, activation="relu"),
    "lstm": lambda: keras.layers.LSTMCell(H, bias_initializer="random_normal"),
    "lstm relu without bias": lambda: keras.layers.LSTMCell(H, activation="relu", use_bias=False),
    "stack": lambda: keras.layers.StackedRNNCells(
        [keras.layers.GRUCell(H), keras.layers.LSTMCell(H + 1), keras.layers.SimpleRNNCell(H + 2)]
    ),
}
GENERIC_CELLS = {
    "user's": lambda: LeakyCell(H),
    "lstm with hard sigmoid": lambda: keras.layers.LSTMCell(H, recurrent_activation="hard_sigmoid"),
    "gru elu": lambda: keras.layers.GRUCell(H, activation="elu"),
    "stack with a user's": lambda: keras.layers.StackedRNNCells([keras.layers.LSTMCell(H), LeakyCell(H)]),
}
ALL_CELLS = FAST_CELLS | GENERIC_CELLS


def build(cell: str, **kwargs: Any) -> RNNModel:
    keras.utils.set_random_seed(3)
    return RNNModel(ALL_CELLS[cell](), VOCABULARY, **kwargs)


def some_ids(num_steps: int = T) -> Any:
    return np.random.default_rng(0).integers(0, V, (B, num_steps)).astype(np.int32)


def some_state(model: RNNModel) -> Any:
    rng = np.random.default_rng(1)
    return tf.nest.map_structure(
        lambda s: tf.constant(rng.normal(size=s.shape).astype(np.float32)), model.initial_state(B)
    )


def outputs_and_gradients(model: RNNModel, state: Any) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(2)
    flat = tf.nest.flatten(state)
    with tf.GradientTape() as tape:
        tape.watch(flat)
        logits, last = model(some_ids(), state)
        # Random weights, so that no gradient cancels; the last state's gradient matters too.
        total = tf.reduce_sum(logits * rng.normal(size=logits.shape))
        total += tf.add_n([tf.reduce_sum(s * rng.normal(size=s.shape)) for s in tf.nest.flatten(last)])
    gradients = tape.gradient(total, [*(w.value for w in model.trainable_weights), *flat])
    return logits, tf.nest.flatten(last), [tf.convert_to_tensor(g) for g in gradients]


def assert_close(ours: Any, theirs: Any, atol: float = 2e-5) -> None:
    for a, b in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs), strict=True):
        np.testing.assert_allclose(a, b, atol=atol, rtol=1e-4)


@pytest.mark.parametrize("embedded", [False, True])
@pytest.mark.parametrize("cell", FAST_CELLS)
def test_the_fast_path_equals_keras_own_layer_in_outputs_state_and_gradients(
    cell: str, embedded: bool
) -> None:
    width = {"embedding_dim": 3} if embedded else {}
    fast, generic = build(cell, **width), build(cell, fast=False, **width)
    assert all(fast.fast_layers)
    assert not any(generic.fast_layers)
    assert_close(fast.get_weights(), generic.get_weights(), atol=0)
    state = some_state(fast)
    assert_close(outputs_and_gradients(fast, state), outputs_and_gradients(generic, state))


@pytest.mark.parametrize("cell", FAST_CELLS)
def test_training_on_the_fast_path_gives_the_weights_of_the_generic_path(cell: str) -> None:
    ids = np.random.default_rng(4).integers(0, V, 40).astype(np.int32)
    x, y = ids[:-1][:36].reshape(2, 18), ids[1:][:36].reshape(2, 18)
    data = tf.data.Dataset.from_tensor_slices(
        (np.stack([x[:, :6], x[:, 6:12], x[:, 12:]]), np.stack([y[:, :6], y[:, 6:12], y[:, 12:]]))
    )
    weights, losses = [], []
    for fast in (True, False):
        model = build(cell, fast=fast, clipping_theta=0.3)
        model.compile(optimizer=keras.optimizers.SGD(0.5))
        losses.append(model.fit(data, epochs=4, verbose=0).history["loss"])
        weights.append(model.get_weights())
    assert_close(weights[0], weights[1])
    assert_close(losses[0], losses[1])


@pytest.mark.parametrize("cell", ALL_CELLS)
def test_a_whole_text_equals_pieces_and_single_steps_with_the_state_handed_on(cell: str) -> None:
    model, ids = build(cell), some_ids()
    state = some_state(model)
    whole, last = model(ids, state)
    for cuts in ([2], [1, 5], list(range(1, T))):
        pieces, carried = [], state
        for part in np.split(ids, cuts, axis=1):
            logits, carried = model(part, carried)
            pieces.append(logits)
        assert_close(tf.concat(pieces, 1), whole)
        assert_close(carried, last)


@pytest.mark.parametrize("cell", GENERIC_CELLS)
def test_a_cell_that_only_its_own_call_knows_is_left_to_it(cell: str) -> None:
    assert not all(build(cell).fast_layers)


def test_a_subclass_of_a_known_cell_is_not_taken_for_the_cell_itself() -> None:
    class Shifted(keras.layers.SimpleRNNCell):  # type: ignore[misc]
        def call(self, *args: Any, **kwargs: Any) -> Any:
            output, state = super().call(*args, **kwargs)
            return output + 1, state

    assert RNNModel(Shifted(H), VOCABULARY).fast_layers == [False]


def test_a_cell_with_dropout_of_its_own_takes_the_generic_path() -> None:
    assert RNNModel(keras.layers.LSTMCell(H, recurrent_dropout=0.1), VOCABULARY).fast_layers == [False]


@pytest.mark.parametrize("cell", ALL_CELLS)
def test_the_generic_path_equals_a_stock_keras_rnn_layer(cell: str) -> None:
    model = build(cell, fast=False)
    ids = some_ids()
    x = tf.one_hot(ids, V)
    for rnn in model.rnns:
        stock = keras.layers.RNN(rnn.cell, return_sequences=True)
        x = stock(x)
    assert_close(model(ids)[0], model.dense(x))
