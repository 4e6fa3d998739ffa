"""Run by `test_replicas`: trains on one device and on two CPUs, and writes how far they are apart as JSON.

A process of its own, since TensorFlow divides a CPU only before it starts.
"""

import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lyric_lm.callbacks import ExactResume
from lyric_lm.cli import main
from lyric_lm.data import Vocabulary, consecutive_batches, varied_batches
from lyric_lm.model.replicas import scope_of
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.runs.run import Run
from lyric_lm.settings.devices import DeviceConfig
from lyric_lm.training.devices import strategy_of

VOCABULARY = Vocabulary("abcdefg")
IDS = np.random.default_rng(0).integers(0, 7, 500)
STRATEGY = strategy_of(DeviceConfig("mirrored", ("CPU:0", "CPU:1")))
TWO = ["--strategy", "mirrored", "--devices", "CPU:0", "CPU:1"]
FLAGS = (
    "--hidden-size 4 --batch-size 4 --num-steps 9 --max-chars 600 --validation-split 0.2 --epochs 3 "
    "--prefixes 的 --no-tensorboard"
)
BATCHES = consecutive_batches(IDS, 4, 9)
VARIED = varied_batches(IDS, 4, 9, seed=2, rotate=True)
UNEVEN = consecutive_batches(IDS[:200], 3, 8)  # rows that two replicas cannot share equally
FEW = consecutive_batches(IDS[:90], 1, 8)  # nor one row


def chapters() -> RNNModel:
    model = RNNModel(keras.layers.GRUCell(5), VOCABULARY, clipping_theta=0.05)
    model.compile(keras.optimizers.SGD(3.0), metrics=["sparse_categorical_accuracy"], jit_compile=False)
    return model


def recipes() -> RNNModel:
    cells = keras.layers.StackedRNNCells([keras.layers.LSTMCell(5), keras.layers.SimpleRNNCell(3)])
    dropped: dict[str, Any] = {"dropout": 0.3, "character_dropout": 0.2, "label_smoothing": 0.1}
    model = RNNModel(cells, VOCABULARY, embedding_dim=6, clipping_theta=0.5, **dropped)
    model.compile(keras.optimizers.AdamW(0.01, weight_decay=0.02), jit_compile=False)
    return model


def trained(make: Callable[[], RNNModel], strategy: Any, data: Any, **fit: Any) -> RNNModel:
    keras.utils.set_random_seed(1)
    with scope_of(strategy):
        model = make()
    with scope_of(strategy if fit.pop("in_scope", False) else None):
        model.fit(data, verbose=0, **fit)
    return model


def apart(a: Any, b: Any) -> float:
    """The largest difference between two nested structures of numbers."""
    pairs = zip(tf.nest.flatten(a), tf.nest.flatten(b), strict=True)
    return max(float(np.max(np.abs(np.asarray(x) - np.asarray(y)))) for x, y in pairs)


def models_apart(one: RNNModel, two: RNNModel) -> dict[str, float]:
    return {
        "weights": apart(one.get_weights(), two.get_weights()),
        "optimizer": apart(
            [v.numpy() for v in one.optimizer.variables], [v.numpy() for v in two.optimizer.variables]
        ),
        "logs": apart(one.history.history, two.history.history),
        "carried state": apart(one.carried_state, two.carried_state),
    }


def methods_apart(one: RNNModel, two: RNNModel) -> dict[str, float]:
    ids, next_ids = (part.numpy() for part in next(iter(BATCHES)))
    loaded = Path(tempfile.mkdtemp()) / "model.keras"
    two.save(loaded)
    weights = keras.saving.load_model(loaded).get_weights()
    found = {"saved and loaded on one device": apart(weights, two.get_weights())}
    for name, data in {"uneven rows": UNEVEN, "one row": FEW, "even rows": BATCHES}.items():
        found[f"evaluate, {name}"] = apart(one.evaluate(data, verbose=0), two.evaluate(data, verbose=0))
    found["predict"] = apart(one.predict(ids, verbose=0), two.predict(ids, verbose=0))
    found["train_on_batch"] = apart(one.train_on_batch(ids, next_ids), two.train_on_batch(ids, next_ids))
    found["test_on_batch"] = apart(one.test_on_batch(ids, next_ids), two.test_on_batch(ids, next_ids))
    return found


def resumed_apart(whole: RNNModel) -> dict[str, float]:
    folder = tempfile.mkdtemp()
    for epochs in (9, 20):
        model = trained(recipes, STRATEGY, VARIED, epochs=epochs, callbacks=[ExactResume(folder)])
    return {"weights": apart(whole.get_weights(), model.get_weights())}


def refused(call: Callable[[], object]) -> str:
    try:
        call()
    except ValueError as error:
        return str(error)
    return ""


def in_scope(call: Callable[[], Any], strategy: Any = STRATEGY) -> Any:
    with strategy.scope():
        return call()


def refusals() -> dict[str, str]:
    model, optimizer = in_scope(chapters), keras.optimizers.SGD(3.0)
    cell = keras.layers.GRUCell(2, dropout=0.5)
    other = tf.distribute.OneDeviceStrategy("CPU:0")
    batch = np.zeros((3, 2), np.int32)
    return {
        "uneven rows": refused(lambda: model.fit(UNEVEN, verbose=0)),
        "a single uneven batch": refused(lambda: model.train_on_batch(batch, batch)),
        "another strategy": refused(lambda: in_scope(chapters, other)),
        "an optimizer from outside": refused(lambda: model.compile(optimizer)),
        "a cell from outside": refused(lambda: in_scope(lambda: RNNModel(cell, VOCABULARY))),
        "XLA": refused(lambda: model.compile("sgd", jit_compile=True)),
        "a loop": refused(lambda: model.compile("sgd", steps_per_execution=4)),
        "an id": refused(lambda: model.fit(BATCHES.map(lambda x, y: (x + 1, y)), verbose=0)),
        "the command, uneven rows": command(*TWO, "--batch-size", "3"),
        "the command, a device that is not there": command(*TWO, "GPU:3"),
        "the command, one device": command("--strategy", "mirrored"),
    }


def command(*words: str) -> str:
    """What `lyric-lm train` says on stderr."""
    with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
        main(["train", *FLAGS.split(), *words])
    return said.getvalue().removesuffix("\n")


def runs_apart() -> dict[str, float]:
    runs = [Run(tempfile.mkdtemp()) for _ in range(2)]
    for run, devices in zip(runs, ([], TWO), strict=True):
        command("--run-dir", str(run.path), *devices)
    rows = [[row["val_perplexity"] for row in run.history().rows] for run in runs]
    return {
        "weights": apart(*(run.load_model().get_weights() for run in runs)),
        "history": apart(*rows),
    }


def chapter() -> dict[str, Any]:
    fit = {"epochs": 20, "validation_data": UNEVEN}
    one, two = (trained(chapters, strategy, BATCHES, **fit) for strategy in (None, STRATEGY))
    return {
        "chapter": models_apart(one, two),
        "methods": methods_apart(one, two),
        "command": runs_apart(),
        "refused": refusals(),
    }


def recipe() -> dict[str, Any]:
    one, two = (
        trained(recipes, strategy, VARIED, epochs=20, in_scope=strategy is not None)
        for strategy in (None, STRATEGY)
    )
    return {"recipe": models_apart(one, two), "resumed": resumed_apart(two)}


if __name__ == "__main__":
    found = {"chapter": chapter, "recipe": recipe}[sys.argv[1]]()
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")
