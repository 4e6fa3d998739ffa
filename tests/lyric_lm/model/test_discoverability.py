"""What a user finds who looks around: names, signatures, a summary, no false alarms."""

import inspect
import io
import logging
import subprocess
import sys
from contextlib import redirect_stdout

import keras
import numpy as np
import pytest
import tensorflow as tf

import lyric_lm
from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary, consecutive_batches

IDS = np.arange(60) % 7


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


def test_the_sixth_model_brings_no_warning_of_retracing(caplog: pytest.LogCaptureFixture) -> None:
    logger = tf.get_logger()
    logger.addHandler(caplog.handler)
    try:
        for _ in range(6):
            model, batches = build(), consecutive_batches(IDS, 2, 5)
            model.compile("sgd", jit_compile=False)
            model.fit(batches, verbose=0)
            model.evaluate(batches, verbose=0)
            model.predict(IDS.reshape(6, 10), verbose=0)
            model.predict_on_batch(IDS.reshape(6, 10))
            model.train_on_batch(IDS[None, 1:], IDS[None, :-1])
    finally:
        logger.removeHandler(caplog.handler)
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []
