"""Arguments of `RNNModel`: each wrong one is refused in a sentence that names the cure."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary, load_lyrics

B, T, V, H = 2, 6, 7, 3
VOCABULARY = Vocabulary("abcdefg")
IDS = np.random.default_rng(4).integers(0, V, (B, T)).astype(np.int32)


def new_model(cell: Any = None, vocabulary: Any = VOCABULARY, **options: Any) -> RNNModel:
    keras.utils.set_random_seed(1)
    model = RNNModel(cell or keras.layers.SimpleRNNCell(H), vocabulary, **options)
    model.compile(keras.optimizers.SGD(1.0))
    return model


def fit(model: RNNModel, **options: Any) -> dict[str, list[float]]:
    history = model.fit(IDS, np.roll(IDS, -1, 1), batch_size=B, verbose=0, **options)
    return history.history  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (lambda: keras.layers.LSTM(4), r"not a layer: use keras.layers.LSTMCell\(4\)"),
        (lambda: keras.layers.RNN(keras.layers.GRUCell(4)), "not a layer: use layer.cell"),
        (lambda: keras.layers.GRUCell, r"not a class: use GRUCell\(256\)"),
        (lambda: [keras.layers.GRUCell(4)], "use keras.layers.StackedRNNCells"),
        (lambda: keras.layers.Dense(3), "must be a Keras RNN cell"),
        (lambda: "gru", "must be a Keras RNN cell"),
    ],
)
def test_what_is_no_cell_is_refused(cell: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"`cell`.*{words}"):
        RNNModel(cell(), VOCABULARY)


def test_a_cell_cannot_serve_two_layers_or_two_vocabularies() -> None:
    cell = keras.layers.GRUCell(H)
    with pytest.raises(ValueError, match="a cell of its own for each layer"):
        RNNModel(keras.layers.StackedRNNCells([cell, cell]), VOCABULARY)
    RNNModel(cell, VOCABULARY)
    RNNModel(cell, VOCABULARY)  # weights may be shared
    with pytest.raises(ValueError, match="inputs are 7 wide, not 2: make a new cell"):
        RNNModel(cell, Vocabulary("ab"))


@pytest.mark.parametrize("vocabulary", ["abc", list("abc"), 7, None])
def test_what_is_no_vocabulary_is_refused(vocabulary: Any) -> None:
    with pytest.raises(ValueError, match=r"`vocabulary` must be.*Vocabulary\.from_text"):
        RNNModel(keras.layers.GRUCell(H), vocabulary)


def test_lyrics_are_no_vocabulary() -> None:
    with pytest.raises(ValueError, match=r"load_lyrics\(\.\.\.\)\.vocabulary"):
        RNNModel(keras.layers.GRUCell(H), load_lyrics("built-in", max_chars=50))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"clipping_theta": 0.0}, "`clipping_theta` must be positive"),
        ({"clipping_theta": "0.1"}, "`clipping_theta` must be positive.*'0.1'"),
        ({"clipping_theta": float("nan")}, "`clipping_theta` must be positive"),
        ({"embedding_dim": 0}, "`embedding_dim` must be at least 1"),
        ({"embedding_dim": 2.5}, "`embedding_dim` must be a whole number of at least 1"),
        ({"tie_embeddings": True}, "needs an `embedding_dim`"),
        ({"dropout": 1.0}, r"`dropout` must be in \[0, 1\)"),
        ({"character_dropout": -0.1}, r"`character_dropout` must be in \[0, 1\)"),
        ({"label_smoothing": 1.5}, r"`label_smoothing` must be in \[0, 1\)"),
        ({"stateful": "no"}, "`stateful` must be True or False"),
        ({"fast": 3}, "`fast` must be True or False"),
    ],
)
def test_a_wrong_setting_is_named_in_the_constructor_and_afterwards(options: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        RNNModel(keras.layers.GRUCell(H), VOCABULARY, **options)
    (name, value), model = next(iter(options.items())), RNNModel(keras.layers.GRUCell(H), VOCABULARY)
    if name not in ("embedding_dim", "tie_embeddings"):
        with pytest.raises(ValueError, match=words):
            setattr(model, name, value)


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (IDS[0], r"two axes, \(B, T\); for one text pass ids\[None\]"),
        (IDS[None], r"two axes, \(B, T\)\. Received: shape=\(1, 2, 6\)"),
        (IDS.astype(np.float32), "must be integers.*dtype=float32"),
    ],
)
def test_arrays_that_are_no_ids_are_refused(ids: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        new_model()(ids)


@pytest.mark.parametrize(
    "options", [{"loss": "mse"}, {"loss": keras.losses.Poisson()}, {"loss_weights": [2.0]}]
)
def test_a_loss_is_refused(options: Any) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=f"Leave `{name}` out of `compile`"):
        new_model().compile("sgd", **options)


def test_metrics_are_computed_on_logits_and_next_ids_as_keras_does() -> None:
    model = new_model(stateful=False)
    model.compile(keras.optimizers.SGD(0.0), metrics=[keras.metrics.SparseCategoricalAccuracy(name="right")])
    expected = np.mean(np.argmax(model(IDS)[0], -1) == np.roll(IDS, -1, 1))
    assert fit(model)["right"][0] == pytest.approx(expected)


def update(model: RNNModel) -> float:
    """How far one epoch of a single step moves the weights."""
    before = model.get_weights()
    fit(model)
    return float(np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(model.get_weights(), before, strict=True))))


def test_a_setting_changed_after_fit_counts_in_the_next_one() -> None:
    model = new_model(clipping_theta=0.02)
    assert update(model) == pytest.approx(0.02, rel=1e-3)
    model.clipping_theta = np.float32(0.05)
    assert update(model) == pytest.approx(0.05, rel=1e-3)
    model.clipping_theta = None
    assert update(model) > 0.1
    model.clipping_theta, model.character_dropout = 1e-3, 1 - 1e-7
    before = model.rnns[0].cell.kernel.numpy()
    fit(model)
    np.testing.assert_array_equal(model.rnns[0].cell.kernel, before)  # it saw no character


def test_a_setting_changed_between_epochs_counts_in_the_next_one() -> None:
    thetas = [0.02, 0.05, 0.01]
    model = new_model(clipping_theta=1.0)
    weights: list[Any] = []

    def change(epoch: int, _: Any) -> None:
        model.clipping_theta = thetas[epoch]
        weights.append(model.get_weights())

    fit(model, epochs=3, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=change)])
    weights.append(model.get_weights())
    moved = [
        np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(*pair, strict=True)))
        for pair in itertools.pairwise(weights)
    ]
    np.testing.assert_allclose(moved, thetas, rtol=1e-3)


def test_a_model_without_trainable_weights_goes_through_fit_as_in_keras() -> None:
    model = new_model()
    model.trainable = False
    model.compile("sgd")
    before = model.get_weights()
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        logs = fit(model)
    assert (logs["grad_norm"], logs["clipped_share"]) == ([0.0], [0.0])
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_frozen_layers_stay_as_they_are() -> None:
    model = new_model(embedding_dim=4)
    model.embedding.trainable = False
    model.compile(keras.optimizers.SGD(1.0))
    before = model.get_weights()
    fit(model)
    moved = [bool((a != b).any()) for a, b in zip(model.get_weights(), before, strict=True)]
    assert moved == [w is not model.embedding.embeddings for w in model.weights]


@pytest.mark.parametrize("fast", [True, False])
def test_regularizers_and_constraints_of_a_cell_count(fast: bool) -> None:
    limit = keras.constraints.MaxNorm(0.1, axis=None)
    cell = keras.layers.GRUCell(H, kernel_regularizer=keras.regularizers.L2(0.3), recurrent_constraint=limit)
    model = new_model(cell, fast=fast, clipping_theta=None)
    logits, targets = model(IDS)[0], np.roll(IDS, -1, 1)
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(targets, logits)
    squares = float(np.sum(cell.kernel.numpy() ** 2))
    loss = model.compute_loss(IDS, tf.constant(targets), logits)
    assert float(loss) == pytest.approx(float(plain) + 0.3 * squares, rel=1e-5)
    fit(model)
    assert float(np.linalg.norm(cell.recurrent_kernel)) <= 0.1 + 1e-5


@pytest.mark.parametrize("make", [keras.layers.SimpleRNNCell, keras.layers.LSTMCell])
def test_a_cells_activity_losses_train_as_in_keras(make: Any) -> None:
    ours = new_model(
        make(H, activity_regularizer=keras.regularizers.L2(2.0)), embedding_dim=4, clipping_theta=None
    )
    assert ours.fast_layers == [False]
    theirs = keras.Sequential(
        [
            keras.layers.Embedding(V, 4),
            keras.layers.RNN(
                make(H, activity_regularizer=keras.regularizers.L2(2.0)), return_sequences=True, unroll=True
            ),
            keras.layers.Dense(V),
        ]
    )
    theirs.build((B, T))
    theirs.set_weights(
        [w.numpy() for w in (*ours.embedding.weights, *ours.rnns[0].weights, *ours.dense.weights)]
    )
    theirs.compile(
        keras.optimizers.SGD(1.0), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    fit(ours, epochs=3, validation_data=(IDS, IDS))
    theirs.fit(IDS, np.roll(IDS, -1, 1), batch_size=B, epochs=3, verbose=0)
    for own, stock in zip(ours.rnns[0].weights, theirs.layers[1].weights, strict=True):
        np.testing.assert_allclose(own, stock, atol=1e-4)


def test_a_model_of_one_device_is_refused_in_the_scope_of_a_strategy() -> None:
    strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
    model = new_model()
    calls: list[Any] = [
        lambda: model.compile("sgd"),
        lambda: fit(model),
        lambda: model.evaluate(IDS, IDS, verbose=0),
        lambda: model.predict(IDS, verbose=0),
        lambda: model.train_on_batch(IDS, IDS),
    ]
    fit(model)  # compiled functions that are there already change nothing
    for call in calls:
        with strategy.scope(), pytest.raises(ValueError, match=r"made under.*MirroredStrategy"):
            call()
    fit(model)
