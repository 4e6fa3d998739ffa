"""A mere `import lyric_lm` lets Keras load our models, and stays quick."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary

ROOT = Path(__file__).parents[2]
ORDERS = {
    "ours first": "import lyric_lm; import keras",
    "Keras first": "import keras; import lyric_lm",
    "a room of ours, and Keras through TensorFlow": (
        "import lyric_lm.data; import tensorflow as tf; tf.keras.layers; import keras"
    ),
}
LOAD = """
import sys
{imports}
assert "lyric_lm.model" not in sys.modules

class Slow(keras.layers.SimpleRNNCell):
    pass

model = keras.saving.load_model({path!r}, custom_objects={{"Slow": Slow}})
assert type(model.rnns[0].cell) is Slow
from lyric_lm import RNNModel
assert type(model) is RNNModel is keras.saving.get_registered_object("lyric_lm>RNNModel")
copy = keras.saving.deserialize_keras_object(
    keras.saving.serialize_keras_object(model), custom_objects={{"Slow": Slow}}
)
copy.load_weights({path!r})
ids = keras.ops.array([[0, 2, 1]], "int32")
print(model(ids)[0].numpy().tolist() == copy(ids)[0].numpy().tolist())
print(model(ids)[0].numpy().tolist())
"""


class Slow(keras.layers.SimpleRNNCell):  # type: ignore[misc]
    """A stranger's cell, which Keras must be told of."""


def run(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any]:
    path = str(tmp_path_factory.mktemp("saved") / "model.keras")
    model = RNNModel(Slow(4), Vocabulary("分开不"))
    model.compile("sgd")
    model.save(path)
    return path, model(np.array([[0, 2, 1]], np.int32))[0].numpy().tolist()


@pytest.mark.parametrize("imports", ORDERS.values(), ids=ORDERS)
def test_keras_loads_a_model_in_a_fresh_process(imports: str, saved: tuple[str, Any]) -> None:
    path, logits = saved
    same, loaded = run(LOAD.format(imports=imports, path=path))
    assert same == "True"
    np.testing.assert_allclose(json.loads(loaded), logits, rtol=1e-6)


def test_the_import_alone_imports_neither_keras_nor_tensorflow_nor_numpy() -> None:
    code = "import sys, lyric_lm; print([m for m in ('tensorflow', 'keras', 'numpy') if m in sys.modules])"
    assert run(code) == ["[]"]


def test_an_import_of_keras_that_fails_is_not_the_last() -> None:
    code = """
import builtins, sys, lyric_lm
real = builtins.__import__
def broken(name, *args, **kwargs):
    if name == "keras.src.ops" or name.startswith("keras.src"):
        raise KeyboardInterrupt
    return real(name, *args, **kwargs)
builtins.__import__ = broken
try:
    import keras
except KeyboardInterrupt:
    builtins.__import__ = real
import keras
print(keras.saving.get_registered_object("lyric_lm>RNNModel").__name__)
print([finder for finder in sys.meta_path if "lyric_lm" in type(finder).__module__])
"""
    assert run(code) == ["StandIn", "[]"]
