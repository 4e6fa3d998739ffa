"""Dtype policies: global, on the model, on a cell; saved under one and used under another."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm import Beam, RNNModel, Temperature, generate
from lyric_lm.data import Vocabulary, consecutive_batches

B, T, V, H = 2, 5, 7, 3
VOCABULARY = Vocabulary("abcdefg")
IDS = np.random.default_rng(0).integers(0, V, 40).astype(np.int32)
OPTIONS: list[Any] = [
    pytest.param({}, marks=pytest.mark.slow),
    {"embedding_dim": 6, "tie_embeddings": True},
]


@contextlib.contextmanager
def global_policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def stack(**options: Any) -> keras.layers.StackedRNNCells:
    return keras.layers.StackedRNNCells(
        [keras.layers.GRUCell(H, **options), keras.layers.LSTMCell(H + 1, **options)]
    )


def trained(cell: Any, **options: Any) -> RNNModel:
    model = RNNModel(cell, VOCABULARY, **options)
    model.compile(keras.optimizers.SGD(0.5))
    batches = consecutive_batches(IDS, B, T)
    model.fit(batches, epochs=2, verbose=0, validation_data=consecutive_batches(IDS, 1, 6))
    return model


def use(model: RNNModel) -> list[Any]:
    """All that one does with a model that was loaded."""
    model.fit(consecutive_batches(IDS, B, T), verbose=0)
    model.evaluate(consecutive_batches(IDS, 3, T), verbose=0)
    samplers = [None, Temperature(0.8), Beam(2)]
    return [generate(model, ["ab", "c"], 9, sampler=sampler, seed=1) for sampler in samplers]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("policy", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)])
@pytest.mark.parametrize("saved_under_it", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_model_saved_under_one_policy_is_used_under_another(
    policy: str, options: Any, saved_under_it: bool, tmp_path: Path
) -> None:
    there, here = (policy, "float32") if saved_under_it else ("float32", policy)
    with global_policy(there):
        model = trained(stack(), **options)
        logits = model(IDS[None])[0].numpy()
        model.save(tmp_path / "model.keras")
    with global_policy(here):
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(loaded(IDS[None])[0], logits)
        assert loaded.dtype_policy.name == there
        assert {s.dtype.name for s in tf.nest.flatten(loaded.initial_state(1))} == {loaded.compute_dtype}
        texts = use(loaded)
    assert texts == use(keras.saving.load_model(tmp_path / "model.keras"))
    assert all(w.dtype == np.float32 for w in loaded.get_weights())


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(
    "policy",
    ["mixed_bfloat16", *(pytest.param(p, marks=pytest.mark.slow) for p in ("mixed_float16", "float64"))],
)
def test_dtype_on_the_model_reaches_every_layer_of_its_own(policy: str, options: Any) -> None:
    model = trained(stack(dtype=policy), dtype=policy, **options)
    assert model.fast_layers == [True, True]
    layers = [layer for layer in model._flatten_layers() if layer.weights]
    assert {layer.dtype_policy.name for layer in layers} == {policy}
    assert model(IDS[None])[0].dtype == tf.float32
    assert {s.dtype.name for s in tf.nest.flatten(model(IDS[None])[1])} == {model.compute_dtype}
    use(model)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(
    ("around", "inside"),
    [("float32", "mixed_bfloat16"), pytest.param("mixed_bfloat16", "float32", marks=pytest.mark.slow)],
)
def test_a_cell_keeps_a_dtype_of_its_own(around: str, inside: str, options: Any, tmp_path: Path) -> None:
    model = trained(stack(dtype=inside), dtype=around, **options)
    assert model.fast_layers == [False, False]
    states = tf.nest.flatten([model.initial_state(1), model(IDS[None])[1]])
    assert {s.dtype.name for s in states} == {model.rnns[0].cell.compute_dtype}
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [rnn.cell.dtype_policy.name for rnn in loaded.rnns] == [inside, inside]
    assert use(loaded) == use(model)


def test_a_stock_layer_computes_the_same_under_the_same_policy() -> None:
    with global_policy("mixed_bfloat16"):
        model = trained(keras.layers.LSTMCell(H), embedding_dim=4, fast=False)
        layers = [
            keras.layers.Embedding(V, 4),
            keras.layers.LSTM(H, return_sequences=True),
            keras.layers.Dense(V),
        ]
        stock = keras.Sequential(layers)
        stock.build((B, T))
    own = [*model.embedding.weights, *model.rnns[0].weights, *model.dense.weights]
    stock.set_weights([w.numpy() for w in own])
    expected = tf.cast(stock(IDS[None]), tf.float32)
    np.testing.assert_allclose(model(IDS[None])[0], expected, atol=0.01)


def test_float16_scales_its_loss_also_where_only_the_model_has_that_policy() -> None:
    model = trained(keras.layers.GRUCell(H, dtype="mixed_float16"), dtype="mixed_float16")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
