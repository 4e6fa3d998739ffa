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

# Keras says so of a lambda at each model's making; an activation may be one.
pytestmark = pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")


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


def wave(x: Any) -> Any:
    """A user's own activation."""
    return keras.ops.sin(x) + x / 2


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
    "simple elu": lambda: keras.layers.SimpleRNNCell(H, activation="elu", use_bias=False),
    "simple linear": lambda: keras.layers.SimpleRNNCell(H, activation=None),
    "simple user's": lambda: keras.layers.SimpleRNNCell(H, activation=lambda x: x / (1 + x * x)),
    "gru gelu hard sigmoid": lambda: keras.layers.GRUCell(
        H, activation="gelu", recurrent_activation="hard_sigmoid", bias_initializer="random_normal"
    ),
    "gru user's without bias": lambda: keras.layers.GRUCell(
        H, activation=wave, recurrent_activation="linear", use_bias=False
    ),
    "gru reset before elu without bias": lambda: keras.layers.GRUCell(
        H, activation="elu", recurrent_activation="relu", reset_after=False, use_bias=False
    ),
    "lstm gelu hard sigmoid": lambda: keras.layers.LSTMCell(
        H, activation="gelu", recurrent_activation="hard_sigmoid", unit_forget_bias=False
    ),
    "lstm user's": lambda: keras.layers.LSTMCell(
        H, activation=None, recurrent_activation=wave, bias_initializer="random_normal"
    ),
    "lstm constant": lambda: keras.layers.LSTMCell(H, recurrent_activation=tf.ones_like),
    "stack": lambda: keras.layers.StackedRNNCells(
        [keras.layers.GRUCell(H), keras.layers.LSTMCell(H + 1), keras.layers.SimpleRNNCell(H + 2)]
    ),
}
GENERIC_CELLS = {
    "user's": lambda: LeakyCell(H),
    "lstm with softmax": lambda: keras.layers.LSTMCell(H, recurrent_activation="softmax"),
    "simple with a layer": lambda: keras.layers.SimpleRNNCell(H, activation=keras.layers.PReLU()),
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
        logits, last = model(some_ids(), state, training=True)
        # Random weights, so that no gradient cancels; the last state's gradient matters too.
        total = tf.reduce_sum(logits * rng.normal(size=logits.shape))
        total += tf.add_n(
            [tf.reduce_sum(tf.cast(s, tf.float32) * rng.normal(size=s.shape)) for s in tf.nest.flatten(last)]
        )
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


@pytest.mark.parametrize(
    "setting",
    [{"dropout": 0.1}, {"recurrent_dropout": 0.1}, {"activity_regularizer": keras.regularizers.L2(0.1)}],
)
@pytest.mark.parametrize("cell", [keras.layers.SimpleRNNCell, keras.layers.GRUCell, keras.layers.LSTMCell])
def test_a_cell_whose_call_does_more_than_its_formula_takes_the_generic_path(
    cell: Any, setting: dict[str, Any]
) -> None:
    assert RNNModel(cell(H, **setting), VOCABULARY).fast_layers == [False]


def test_an_activation_that_mixes_units_learns_or_draws_takes_the_generic_path() -> None:
    slope = tf.Variable(tf.constant(2.0))
    for activation in (
        "softmax",
        "log_softmax",
        keras.activations.sparsemax,
        lambda x: x - tf.reduce_mean(x),
        lambda x: tf.reverse(x, [-1]),
        lambda x: x * slope,
        lambda x: x + tf.random.normal(tf.shape(x)),
        keras.layers.Dropout(0.5),
    ):
        for cell in (
            keras.layers.SimpleRNNCell(H, activation=activation),
            keras.layers.GRUCell(H, recurrent_activation=activation),
        ):
            assert RNNModel(cell, VOCABULARY).fast_layers == [False]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("cell", ["simple", "gru", "gru reset before", "lstm", "lstm gelu hard sigmoid"])
def test_under_another_dtype_policy_the_fast_path_equals_keras_own_layer(cell: str, policy: str) -> None:
    usual = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(policy)  # cells take the policy of the moment when they are made
        fast, generic = build(cell), build(cell, fast=False)
    finally:
        keras.config.set_dtype_policy(usual)
    assert all(fast.fast_layers)
    ours, theirs = (
        outputs_and_gradients(model, tf.nest.map_structure(lambda s: s + 0.5, model.initial_state(B)))
        for model in (fast, generic)
    )
    assert [x.dtype for x in tf.nest.flatten(ours)] == [x.dtype for x in tf.nest.flatten(theirs)]
    tolerance = {"mixed_float16": 2e-2, "mixed_bfloat16": 0.2, "float64": 1e-5}[policy]
    assert_close(
        [tf.cast(x, tf.float32) for x in tf.nest.flatten(ours)],
        [tf.cast(x, tf.float32) for x in tf.nest.flatten(theirs)],
        atol=tolerance,
    )


def stock_outputs_and_gradients(cell: str) -> tuple[Any, Any]:
    """Outputs and gradients of `keras.layers.RNN` alone, over one-hot characters."""
    model = build(cell)
    x = tf.one_hot(some_ids(), V)
    with tf.GradientTape() as tape:
        for rnn in model.rnns:
            x = keras.layers.RNN(rnn.cell, return_sequences=True)(x)
        logits = model.dense(x)
        total = tf.reduce_sum(logits * np.random.default_rng(2).normal(size=logits.shape))
    return logits, tape.gradient(total, [w.value for w in model.trainable_weights])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("cell", FAST_CELLS)
def test_the_fast_path_equals_a_stock_keras_rnn_layer(cell: str, training: bool) -> None:
    model = build(cell)
    with tf.GradientTape() as tape:
        logits, _ = model(some_ids(), training=training)
        total = tf.reduce_sum(logits * np.random.default_rng(2).normal(size=logits.shape))
    gradients = tape.gradient(total, [w.value for w in model.trainable_weights])
    assert_close((logits, [tf.convert_to_tensor(g) for g in gradients]), stock_outputs_and_gradients(cell))


@pytest.mark.parametrize("cell", ALL_CELLS)
def test_the_generic_path_equals_a_stock_keras_rnn_layer(cell: str) -> None:
    model = build(cell, fast=False)
    ids = some_ids()
    x = tf.one_hot(ids, V)
    for rnn in model.rnns:
        stock = keras.layers.RNN(rnn.cell, return_sequences=True)
        x = stock(x)
    assert_close(model(ids)[0], model.dense(x))
