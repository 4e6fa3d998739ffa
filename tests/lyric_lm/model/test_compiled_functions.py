"""The owner of a model's compiled functions."""

from typing import Any

import keras
import tensorflow as tf

from lyric_lm.model.compiled_functions import compiled_function


def make() -> Any:
    return tf.function(lambda x: x)


def test_a_function_is_made_once_for_each_key_and_model() -> None:
    one, other = keras.Sequential(), keras.Sequential()
    first = compiled_function(one, "score", make)
    assert compiled_function(one, "score", make) is first
    assert compiled_function(one, ("greedy", ()), make) is not first
    assert compiled_function(other, "score", make) is not first


def test_the_latest_are_kept_and_the_model_itself_is_as_it_was() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    layers, variables = list(model.layers), list(model.variables)
    first = compiled_function(model, 0, make)
    for key in range(1, 33):
        compiled_function(model, key, make)
    assert compiled_function(model, 0, make) is not first
    assert model.layers == layers
    assert all(a is b for a, b in zip(model.variables, variables, strict=True))
