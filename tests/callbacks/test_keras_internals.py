"""Keras' own callbacks: what each remembers survives a crash, to the bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lyric_lm.callbacks import ExactResume
from lyric_lm.callbacks.memory import state_of
from lyric_lm.errors import CheckpointError


def crash_in(epoch: int) -> keras.callbacks.Callback:
    def crash(begun: int, _: Any) -> None:
        if begun == epoch:
            raise InterruptedError

    return keras.callbacks.LambdaCallback(on_epoch_begin=crash)


def dense() -> keras.Model:
    """A stock model whose optimizer averages its weights."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dropout(0.5), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.7), "mse")
    return model


def fit_dense(path: Path, callbacks: list[Any], *, epochs: int = 4, crash: int | None = None) -> keras.Model:
    """Train it, with a checkpoint every second epoch and validation in every third."""
    model = dense()
    xy = np.eye(5, dtype="float32"), np.arange(10, dtype="float32").reshape(5, 2)
    crashes = [] if crash is None else [crash_in(crash)]
    everyone = [*callbacks, *crashes, ExactResume(path / "checkpoints", callbacks, every=2)]
    path.mkdir(exist_ok=True)
    try:
        options: Any = {"validation_data": xy, "validation_freq": 3, "verbose": 0, "batch_size": 2}
        model.fit(*xy, epochs=epochs, callbacks=everyone, **options)
    except InterruptedError:
        assert crash is not None
        for callback in callbacks:
            if isinstance(callback, keras.callbacks.CSVLogger):
                callback.csv_file.close()  # as the end of its process would
    return model


KERAS_CALLBACKS: dict[str, Callable[[Path], keras.callbacks.Callback]] = {
    "the average in the model between epochs": lambda _: keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
    "the average in the model for validation": lambda _: keras.callbacks.SwapEMAWeights(),
    "a new log": lambda path: keras.callbacks.CSVLogger(path / "log.csv"),
    "a log that goes on": lambda path: keras.callbacks.CSVLogger(path / "log.csv", append=True),
    "the best model": lambda path: keras.callbacks.ModelCheckpoint(
        path / "{epoch}.weights.h5", "loss", mode="max", save_best_only=True, save_weights_only=True
    ),
    "the model at each seventh batch": lambda path: keras.callbacks.ModelCheckpoint(
        path / "{epoch}-{batch}.weights.h5", save_freq=7, save_weights_only=True
    ),
    "a rate for each epoch": lambda _: keras.callbacks.LearningRateScheduler(
        lambda epoch, rate: rate / (epoch + 1)
    ),
    "a log of batches": lambda path: keras.callbacks.TensorBoard(path / "logs", update_freq=2),
    "a watch on the loss": lambda _: keras.callbacks.TerminateOnNaN(),
    "a history": lambda _: keras.callbacks.History(),
}


def left_behind(path: Path) -> dict[str, bytes]:
    """What a training wrote, wall-clock times aside."""
    files = [file for file in path.iterdir() if file.suffix in {".csv", ".h5"}]
    return {file.name: file.read_bytes() if file.suffix == ".csv" else b"" for file in files}


@pytest.mark.parametrize("name", KERAS_CALLBACKS)
def test_what_a_callback_of_keras_remembers_survives_a_crash(tmp_path: Path, name: str) -> None:
    make = KERAS_CALLBACKS[name]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    alone = make(whole)
    model = fit_dense(whole, [alone])
    fit_dense(parts, [make(parts)], crash=3)  # after one epoch that no checkpoint holds
    fit_dense(parts, [make(parts)], crash=2)  # before any
    last = make(parts)
    resumed = fit_dense(parts, [last])
    for here, there in zip(resumed.variables, model.variables, strict=True):
        np.testing.assert_array_equal(here, there)
    np.testing.assert_equal(state_of(last), state_of(alone), strict=True)
    assert left_behind(parts) == left_behind(whole)


def test_weights_that_were_averaged_for_good_are_not_trained_further(tmp_path: Path) -> None:
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    fit_dense(tmp_path, [swap])
    with pytest.raises(
        CheckpointError, match=r"SwapEMAWeights.* of the last epoch planned, 4, so this training"
    ):
        fit_dense(tmp_path, [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)], epochs=5)
    fit_dense(tmp_path, [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)])  # nothing is left to train
