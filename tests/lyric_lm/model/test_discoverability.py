"""What a user finds who looks around: names, signatures, a summary, no false alarms."""

import inspect
import io
import subprocess
import sys
from contextlib import redirect_stdout

import keras
import pytest

import lyric_lm
from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary


def build() -> RNNModel:
    cells = [keras.layers.GRUCell(4), keras.layers.GRUCell(3)]
    cell = keras.layers.StackedRNNCells(cells)
    return RNNModel(cell, Vocabulary("abcdefg"), embedding_dim=5, tie_embeddings=True)


@pytest.mark.parametrize(
    "method", ["fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch"]
)
def test_a_method_of_keras_shows_the_arguments_that_keras_shows(method: str) -> None:
    ours, theirs = (inspect.signature(getattr(kind, method)) for kind in (RNNModel, keras.Model))
    assert list(ours.parameters) == list(theirs.parameters)


def test_the_package_names_what_it_holds() -> None:
    code = "import lyric_lm; print(*dir(lyric_lm)); print(lyric_lm.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, version = done.stdout.splitlines()
    assert set(names.split()) >= {*lyric_lm.__all__, "__version__"}
    assert version == lyric_lm.__version__


def test_the_summary_lists_layers_in_the_order_of_the_data() -> None:
    out = io.StringIO()
    with redirect_stdout(out):
        build().summary(line_length=100)
    places = [out.getvalue().index(f"({kind}") for kind in ("Embedding", "RNN", "Dense")]
    assert places == sorted(places)


# Prints what is logged from the first model on; a warning of Python's ends it.
SIX_MODELS = """
import logging, warnings
import keras, numpy as np, tensorflow as tf
from lyric_lm import RNNModel, generate
from lyric_lm.data import Vocabulary, consecutive_batches
from lyric_lm.evaluation.scoring import surprisals

handler = logging.StreamHandler(open(1, "w"))
handler.setLevel(logging.WARNING)
for logger in (logging.getLogger(), tf.get_logger()):
    logger.addHandler(handler)
warnings.simplefilter("error")
ids = np.arange(60) % 7
for _ in range(6):
    model = RNNModel(keras.layers.GRUCell(4), Vocabulary("abcdefg"))
    model.compile("sgd", jit_compile=False)
    batches = consecutive_batches(ids, 2, 5)
    model.fit(batches, validation_data=batches, verbose=0)
    model.evaluate(batches, verbose=0)
    model.predict(ids.reshape(6, 10), verbose=0)
    model.predict_on_batch(ids.reshape(6, 10))
    model.train_on_batch(ids[None, 1:], ids[None, :-1])
    model.test_on_batch(ids[None, 1:], ids[None, :-1])
    generate(model, "ab", 3)
    surprisals(model, ids[1:], context=ids[:1])
"""


@pytest.mark.slow
def test_of_the_sixth_model_of_a_process_nothing_is_said() -> None:
    command = [sys.executable, "-c", SIX_MODELS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
