"""Configurations: plain, nobody else's, and enough to make the model again."""

import copy
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary

V, H = 5, 4
VOCABULARY = Vocabulary("abcde")
IDS = np.array([[0, 3, 1, 4, 2, 2, 1]], np.int32)


@keras.saving.register_keras_serializable(package="test_configuration")
class Leaky(keras.layers.SimpleRNNCell):  # type: ignore[misc]
    """A cell of a user's own."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        output, new_states = super().call(inputs, states, training=training)
        return 0.9 * output, new_states


CELLS: dict[str, Any] = {
    "simple": lambda: keras.layers.SimpleRNNCell(H, activation="relu"),
    "gru": lambda: keras.layers.GRUCell(
        H, reset_after=False, kernel_initializer=keras.initializers.HeNormal()
    ),
    "lstm": lambda: keras.layers.LSTMCell(H, kernel_regularizer=keras.regularizers.L1(0.1), dropout=0.2),
    "own": lambda: Leaky(H, dtype="mixed_bfloat16"),
    "stack": lambda: keras.layers.StackedRNNCells(
        [keras.layers.GRUCell(H), keras.layers.LSTMCell(H + 1), Leaky(H - 1)]
    ),
}


def new_model(cell: str) -> RNNModel:
    options: dict[str, Any] = {"embedding_dim": np.int64(3), "dropout": np.float32(0.25)}
    return RNNModel(CELLS[cell](), VOCABULARY, clipping_theta=None, **options)


@pytest.mark.parametrize("cell", CELLS)
def test_a_configuration_is_json_and_each_call_gives_a_new_one(cell: str) -> None:
    model = new_model(cell)
    config = model.get_config()
    text = json.dumps(config)
    assert json.loads(text) == config == copy.deepcopy(config)
    config["cell"]["config"].clear()
    config["vocabulary"]["characters"].clear()
    assert json.dumps(model.get_config()) == text


@pytest.mark.parametrize("cell", CELLS)
def test_models_made_of_a_configuration_are_alike_and_leave_it_as_it_was(cell: str, tmp_path: Path) -> None:
    model = new_model(cell)
    config = model.get_config()
    twins = [RNNModel.from_config(config), RNNModel.from_config(config), keras.models.clone_model(model)]
    assert config == model.get_config()
    model.save(tmp_path / "model.keras")  # after all that
    twins += [keras.saving.load_model(tmp_path / "model.keras"), copy.deepcopy(model)]
    for twin in twins:
        twin.set_weights(model.get_weights())
        assert twin.get_config() == config
        np.testing.assert_array_equal(twin(IDS)[0], model(IDS)[0])


def test_a_copy_is_trained_apart() -> None:
    model = new_model("stack")
    model.compile("sgd")
    twin = copy.deepcopy(model)
    before = model.get_weights()
    twin.train_on_batch(IDS, IDS)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
