"""A song begins from a zero state wherever it stands in a batch: against stock Keras layers, song by song."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary, consecutive_batches
from lyric_lm.data.characters import SONG_END

B, T, V, H, RATE = 2, 6, 5, 4, 0.5
VOCABULARY = Vocabulary("abcd" + SONG_END)
MARK = VOCABULARY.song_end_id
# Two rows of 19 characters: songs of 1 to 14, which begin in the middle of a batch, at its first and at its
# last step; the second row goes on with the song in which the first one ends.
IDS = np.array(
    [
        0,
        1,
        2,
        3,
        4,
        0,
        4,
        3,
        2,
        2,
        1,
        0,
        3,
        0,
        1,
        2,
        0,
        4,
        3,
        2,
        1,
        0,
        4,
        1,
        3,
        4,
        2,
        1,
        2,
        3,
        3,
        4,
        2,
        1,
        2,
        3,
        0,
        1,
    ]
)


@keras.saving.register_keras_serializable(package="tests")
class AverageCell(keras.layers.Layer):  # type: ignore[misc]
    """A user's own cell, whose state is not zero at first."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def get_initial_state(self, batch_size: Any = None) -> Any:
        return [tf.ones((batch_size, self.units))]

    def call(self, inputs: Any, states: Any) -> Any:
        h = (states[0] + inputs @ self.kernel) / 2
        return h, [h]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


CELLS: dict[str, Callable[[], Any]] = {
    "simple": lambda: keras.layers.SimpleRNNCell(H, bias_initializer="random_normal"),
    "gru": lambda: keras.layers.GRUCell(H, bias_initializer="random_normal"),
    "gru reset before": lambda: keras.layers.GRUCell(H, reset_after=False, use_bias=False),
    "lstm": lambda: keras.layers.LSTMCell(H, bias_initializer="random_normal"),
    "user's": lambda: AverageCell(H),
    "stack": lambda: keras.layers.StackedRNNCells(
        [keras.layers.GRUCell(H), keras.layers.LSTMCell(H + 1), AverageCell(H + 2)]
    ),
}


def build(cell: str, **kwargs: Any) -> RNNModel:
    keras.utils.set_random_seed(3)
    model = RNNModel(CELLS[cell](), VOCABULARY, clipping_theta=None, **kwargs)
    model.compile(optimizer=keras.optimizers.SGD(RATE))
    return model


def assert_close(ours: Any, theirs: Any) -> None:
    for a, b in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5, rtol=1e-4)


class StockKeras:
    """The same network of stock layers, which reads every song by itself."""

    def __init__(self, cell: str) -> None:
        model = build(cell)
        self.dense = model.dense
        self.rnns = [
            keras.layers.RNN(rnn.cell, return_sequences=True, return_state=True) for rnn in model.rnns
        ]
        self.weights = model.trainable_weights
        self.states: list[Any] = [None] * B  # of the song that each row is in

    def loss(self, ids: Any, next_ids: Any) -> Any:
        """The mean over a batch; a song that batches cut goes on from where the last one left it."""
        total = 0.0
        for row in range(B):
            for piece in np.split(np.arange(T), np.flatnonzero(ids[row] == MARK)):
                if not len(piece):
                    continue
                if ids[row, piece[0]] == MARK:
                    self.states[row] = None
                logits, self.states[row] = self.read(ids[row, piece], self.states[row])
                total += tf.reduce_sum(
                    tf.nn.sparse_softmax_cross_entropy_with_logits(next_ids[row, piece], logits)
                )
        return total / (B * T)

    def read(self, ids: Any, states: Any) -> Any:
        x, after = tf.one_hot(ids, V)[None], []
        for rnn, state in zip(self.rnns, states or [None] * len(self.rnns), strict=True):
            x, *last = rnn(x, initial_state=state)
            after.append(last)
        return self.dense(x)[0], after

    def fit(self, data: Any, epochs: int) -> list[float]:
        losses = []
        for _ in range(epochs):
            self.states = [None] * B
            for ids, next_ids in data:
                with tf.GradientTape() as tape:
                    loss = self.loss(ids.numpy(), next_ids.numpy())
                for weight, gradient in zip(
                    self.weights, tape.gradient(loss, [w.value for w in self.weights]), strict=True
                ):
                    weight.assign_sub(RATE * tf.convert_to_tensor(gradient))
                losses.append(float(loss))
        return losses


def batches() -> tf.data.Dataset:
    data = consecutive_batches(IDS, B, T)
    assert int(data.cardinality()) == 3
    return data


@pytest.mark.parametrize("cell", ["simple", "gru", "lstm"])
def test_training_equals_that_of_the_songs_one_by_one(cell: str) -> None:
    stock = StockKeras(cell)
    losses = stock.fit(batches(), epochs=2)

    for fast in (True, False):
        model = build(cell, fast=fast)
        history = model.fit(batches(), epochs=2, verbose=0).history
        assert_close(history["loss"], [np.mean(losses[:3]), np.mean(losses[3:])])
        assert_close(model.get_weights(), [weight.numpy() for weight in stock.weights])


@pytest.mark.xla
def test_so_it_does_when_compiled_by_xla() -> None:
    model = build("gru reset before")
    model.fit(batches(), epochs=2, verbose=0)

    stock = StockKeras("gru reset before")
    stock.fit(batches(), epochs=2)
    assert_close(model.get_weights(), [weight.numpy() for weight in stock.weights])


@pytest.mark.parametrize("cell", CELLS)
def test_evaluation_reads_every_song_from_the_initial_state(cell: str) -> None:
    stock = StockKeras(cell)
    expected = np.mean([float(stock.loss(ids.numpy(), next_ids.numpy())) for ids, next_ids in batches()])

    assert_close(build(cell).evaluate(batches(), verbose=0, return_dict=True)["loss"], expected)


@pytest.mark.parametrize("cell", CELLS)
def test_what_stood_before_a_song_changes_nothing_in_it(cell: str) -> None:
    model = build(cell)
    song = np.array([[MARK, 0, 1, 2], [MARK, 2, 2, 1]])
    before = np.array([[3, 1, 0], [0, MARK, 1]])

    for first in (None, tf.nest.map_structure(lambda s: s + 0.7, model.initial_state(B))):
        logits, state = model(np.concatenate([before, song], axis=1), first)
        assert_close((logits[:, 3:], state), model(song))


def test_a_cell_with_dropout_or_a_penalty_begins_anew_too() -> None:
    ids = np.array([[0, 1, MARK, 2, 3]])
    for cell in (
        keras.layers.GRUCell(4, dropout=0.5, recurrent_dropout=0.5, seed=1),
        keras.layers.SimpleRNNCell(4, activity_regularizer=keras.regularizers.L2(0.1)),
    ):
        model = RNNModel(cell, VOCABULARY)
        assert_close(model(ids)[0][:, 2:], model(ids[:, 2:])[0])
        assert not model.losses
        first, second = model(ids, training=True)[0], model(ids, training=True)[0]
        assert bool(tf.reduce_all(first == second)) == bool(model.losses)  # masks differ from call to call
