"""A training that is stopped and resumed equals, bit for bit, one that never stopped."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lyric_lm import RNNModel
from lyric_lm.callbacks import ExactResume, LyricSamples
from lyric_lm.callbacks.memory import state_of
from lyric_lm.data import Vocabulary, consecutive_batches, varied_batches
from lyric_lm.errors import CheckpointError
from lyric_lm.runs.checkpoints import read_newest_checkpoint

B, T, H = 2, 3, 4
TEXT = "abcde" * 11 + "ba"
VOCABULARY = Vocabulary("abcde")
EPOCHS = 5


class Crash(keras.callbacks.Callback):  # type: ignore[misc]
    """Stands for a kill: the training gets no chance to put anything in order."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self._epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del logs
        if epoch == self._epoch:
            raise InterruptedError


class Counter(keras.callbacks.Callback):  # type: ignore[misc]
    """A stranger's callback with a memory: it lowers the learning rate at each third epoch it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[int] = set()
        self.losses: dict[int, float] = {}
        self._trace: list[tuple[int, np.ndarray[Any, Any]]] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del logs
        self.seen.add(epoch)
        self._trace.append((epoch, np.arange(epoch)))
        if len(self.seen) % 3 == 0:
            self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) / 2

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.losses[epoch] = logs["loss"]

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self.seen, "losses": self.losses, "trace": self._trace}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seen, self.losses, self._trace = state["seen"], state["losses"], state["trace"]


def rnn(**kwargs: Any) -> RNNModel:
    return RNNModel(keras.layers.SimpleRNNCell(H), VOCABULARY, **kwargs)


MODELS: dict[str, Callable[[], RNNModel]] = {
    "plain": rnn,
    "dropout": lambda: rnn(dropout=0.3, character_dropout=0.2, embedding_dim=6),
    "gru": lambda: RNNModel(keras.layers.GRUCell(H), VOCABULARY),
    "lstm with dropout in the cell": lambda: RNNModel(keras.layers.LSTMCell(H, dropout=0.4), VOCABULARY),
}


def new_model(name: str, *, jit_compile: bool = False, steps: int = 1) -> RNNModel:
    keras.utils.set_random_seed(7)
    model = MODELS[name]()
    model.compile(keras.optimizers.Adam(0.1), jit_compile=jit_compile, steps_per_execution=steps)
    return model


def fit(model: RNNModel, path: Path, callbacks: list[Any], *, epochs: int = EPOCHS) -> list[Any]:
    """Train with everything that has a memory."""
    ids = VOCABULARY.encode(TEXT)
    early = keras.callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True)
    plateau = keras.callbacks.ReduceLROnPlateau("val_loss", patience=1, factor=0.3, min_delta=0.5)
    counter, samples = Counter(), LyricSamples(["ab"], every=1, num_chars=5, write=lambda _: None)
    remembered = [early, plateau, counter, samples]
    model.fit(
        varied_batches(ids, B, T, seed=5),
        validation_data=consecutive_batches(ids[::-1], 1, T),
        epochs=epochs,
        verbose=0,
        callbacks=[*remembered, *callbacks, ExactResume(path, remembered, every=2)],
    )
    return [*remembered, model.history]


def everything(model: RNNModel, callbacks: list[Any]) -> list[Any]:
    variables = [*model.variables, *model.optimizer.variables]
    return [*(np.array(v) for v in variables), *map(state_of, callbacks)]


def assert_same(here: Any, there: Any) -> None:
    np.testing.assert_equal(here, there, strict=True)


@pytest.mark.parametrize(
    ("name", "options", "crashes"),
    [
        ("plain", {"jit_compile": True, "steps": 3}, (1, 3, 4)),  # before a checkpoint, after, at one
        pytest.param("dropout", {"jit_compile": True}, (3,), marks=pytest.mark.slow),
        ("gru", {"steps": 2}, (1,)),
        pytest.param("lstm with dropout in the cell", {}, (3,), marks=pytest.mark.slow),
    ],
)
def test_a_crash_leaves_no_trace(
    tmp_path: Path, name: str, options: dict[str, Any], crashes: tuple[int, ...]
) -> None:
    whole = new_model(name, **options)
    callbacks = fit(whole, tmp_path / "whole", [])
    for crash in crashes:
        with pytest.raises(InterruptedError):
            fit(new_model(name, **options), tmp_path / "parts", [Crash(crash)])
    resumed = new_model(name, **options)
    assert_same(everything(resumed, fit(resumed, tmp_path / "parts", [])), everything(whole, callbacks))


def test_a_training_planned_for_longer_goes_on(tmp_path: Path) -> None:
    whole = new_model("plain")
    callbacks = fit(whole, tmp_path / "whole", [], epochs=4)
    fit(new_model("plain"), tmp_path / "parts", [], epochs=3)
    resumed = new_model("plain")
    assert_same(
        everything(resumed, fit(resumed, tmp_path / "parts", [], epochs=4)), everything(whole, callbacks)
    )


def test_a_finished_training_is_not_trained_again_but_ends_as_it_did(tmp_path: Path) -> None:
    whole = new_model("plain")
    callbacks = fit(whole, tmp_path, [])
    again = new_model("plain")
    begun = fit(again, tmp_path, [Crash(EPOCHS - 1)])
    assert_same(everything(again, begun), everything(whole, callbacks))


def test_a_training_that_a_callback_ended_stays_ended(tmp_path: Path) -> None:
    model = new_model("plain")
    early = keras.callbacks.EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)
    batches = consecutive_batches(VOCABULARY.encode(TEXT), B, T)
    model.fit(batches, epochs=9, verbose=0, callbacks=[early, ExactResume(tmp_path, early, every=4)])
    assert len(model.history.epoch) == 2
    again = new_model("plain")
    early = keras.callbacks.EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)
    resume = ExactResume(tmp_path, early)
    history = again.fit(batches, epochs=9, verbose=0, callbacks=[early, Crash(2), resume])
    assert (history.epoch, resume.ended, early.best_epoch) == ([0, 1], True, 0)
    assert_same(again.get_weights(), model.get_weights())


def test_a_stop_asked_for_keeps_the_epoch_and_ends_after_it(tmp_path: Path) -> None:
    model = new_model("plain")
    resume = ExactResume(tmp_path, [], every=100)
    ask = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, _: resume.stop() if epoch == 1 else None
    )
    batches = consecutive_batches(VOCABULARY.encode(TEXT), B, T)
    assert model.fit(batches, epochs=9, verbose=0, callbacks=[ask, resume]).epoch == [0, 1]
    assert (resume.epochs_done, resume.ended) == (2, False)
    assert new_model("plain").fit(batches, epochs=3, verbose=0, callbacks=[resume]).epoch == [0, 1, 2]


def test_any_keras_model_can_be_resumed(tmp_path: Path) -> None:
    def train(path: Path, callbacks: list[Any]) -> list[Any]:
        keras.utils.set_random_seed(3)
        layers = [keras.Input((5,)), keras.layers.Dropout(0.5), keras.layers.Dense(2)]
        model = keras.Sequential(layers)
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
        xy = np.eye(5, dtype="float32"), np.arange(10, dtype="float32").reshape(5, 2)
        model.fit(*xy, epochs=4, batch_size=5, verbose=0, callbacks=[*callbacks, ExactResume(path, [])])
        return [np.array(v) for v in [*model.variables, *model.optimizer.variables]]

    whole = train(tmp_path / "whole", [])
    with pytest.raises(InterruptedError):
        train(tmp_path / "parts", [Crash(2)])
    assert_same(train(tmp_path / "parts", []), whole)


def test_an_epoch_whose_loss_is_no_number_is_not_kept(tmp_path: Path) -> None:
    model = new_model("plain")
    poison = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, _: (
            model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()]) if epoch == 2 else None
        )
    )
    batches = consecutive_batches(VOCABULARY.encode(TEXT), B, T)
    model.fit(batches, epochs=4, verbose=0, callbacks=[poison, ExactResume(tmp_path, [])])
    newest = read_newest_checkpoint(tmp_path, report=pytest.fail)
    assert newest is not None
    assert newest.epoch == 2


def test_checkpoints_of_another_model_are_refused(tmp_path: Path) -> None:
    fit(new_model("plain"), tmp_path, [], epochs=1)
    with pytest.raises(CheckpointError, match="another model or optimizer"):
        fit(new_model("gru"), tmp_path, [])


@pytest.mark.parametrize("every", [0, -3])
def test_a_period_below_one_is_refused(tmp_path: Path, every: int) -> None:
    with pytest.raises(ValueError, match=f"`every` must be at least 1. Received: every={every}"):
        ExactResume(tmp_path, [], every=every)


def test_the_models_memory_of_the_first_epoch_does_not_outlive_the_fit(tmp_path: Path) -> None:
    model = new_model("plain")
    batches = consecutive_batches(VOCABULARY.encode(TEXT), B, T)
    for epochs in (2, 3):
        model.fit(batches, epochs=epochs, verbose=0, callbacks=[ExactResume(tmp_path, [])])
    assert model.fit(batches, epochs=1, verbose=0).epoch == list(itertools.islice([0], 1))


def stock_model() -> keras.Model:
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("crash", [2, 3])
@pytest.mark.parametrize("build", [stock_model, lambda: new_model("plain")], ids=["stock", "ours"])
def test_an_exception_in_a_training_that_goes_on_leaves_nothing_for_the_next(
    tmp_path: Path, build: Callable[[], Any], crash: int
) -> None:
    model = build()
    if isinstance(model, RNNModel):
        data: Any = (consecutive_batches(VOCABULARY.encode(TEXT), B, T),)
    else:
        data = np.eye(5), np.ones((5, 2))
    model.fit(*data, epochs=2, verbose=0, callbacks=[ExactResume(tmp_path, [])])
    with pytest.raises(InterruptedError):
        model.fit(*data, epochs=4, verbose=0, callbacks=[Crash(crash), ExactResume(tmp_path, [])])
    assert model.fit(*data, epochs=2, verbose=0).epoch == [0, 1]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_epoch_whose_weights_are_no_numbers_is_not_kept_whatever_its_loss(
    tmp_path: Path, value: float
) -> None:
    class Poison(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            assert np.isfinite((logs or {})["loss"])
            if epoch == 1:
                bias = self.model.weights[-1]
                bias.assign([0.0, value])

    model = stock_model()
    model.fit(
        np.eye(5), np.ones((5, 2)), epochs=2, verbose=0, callbacks=[Poison(), ExactResume(tmp_path, [])]
    )
    newest = read_newest_checkpoint(tmp_path, report=pytest.fail)
    assert newest is not None
    assert newest.epoch == 1
