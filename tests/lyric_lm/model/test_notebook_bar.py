"""In a notebook `fit` and `train` show one bar that moves, unless another is asked for."""

import types
from typing import Any

import IPython
import IPython.display
import keras
import pytest

from lyric_lm import RNNModel
from lyric_lm.data import consecutive_batches, load_lyrics
from lyric_lm.settings.config import CorpusConfig, ModelConfig, OptimizerConfig, ReportConfig, TrainConfig
from lyric_lm.training import train

B, T, H, EPOCHS = 2, 3, 4, 5
LYRICS = load_lyrics("built-in", max_chars=60)
BATCHES = consecutive_batches(LYRICS.ids, batch_size=B, num_steps=T)


@pytest.fixture(name="shown")
def _shown(monkeypatch: pytest.MonkeyPatch) -> list[list[dict[str, str]]]:
    """What a notebook is given to display, for each display its first state and its updates."""
    displays: list[list[dict[str, str]]] = []

    def display(bundle: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        assert raw
        assert display_id
        states = [bundle]
        displays.append(states)
        return types.SimpleNamespace(update=lambda bundle, **_: states.append(bundle))

    monkeypatch.setattr(IPython, "get_ipython", lambda: types.SimpleNamespace(kernel=object()))
    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr("lyric_lm.model.notebook_bar._EVERY", 0.0)
    return displays


@pytest.fixture(name="model", scope="module")
def _model() -> RNNModel:
    model = RNNModel(keras.layers.SimpleRNNCell(H), LYRICS.vocabulary)
    model.compile(keras.optimizers.SGD(0.1))
    return model


def test_fit_shows_one_bar_that_moves_and_ends_without_a_time(
    model: RNNModel, shown: list[list[dict[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    history = model.fit(BATCHES, epochs=EPOCHS, initial_epoch=2, validation_data=BATCHES).history

    (states,) = shown
    plain = [state["text/plain"] for state in states]
    assert plain[0] == f"{'░' * 20} epoch 0 of 5"
    assert all(" s left" in line for line in plain[1:-1])
    assert len(plain) == 2 + 3 * (int(BATCHES.cardinality()) + 1)
    figures = "".join(f", {name} {values[-1]:.4g}" for name, values in history.items())
    assert "val_perplexity" in figures
    assert plain[-1] == f"{'█' * 20} epoch 5 of 5{figures}"
    assert states[-1]["text/html"] == f'<progress max="5" value="5.00"></progress> epoch 5 of 5{figures}'
    assert capsys.readouterr().out == ""


def test_a_training_that_stops_early_leaves_its_bar_where_it_stopped(
    model: RNNModel, shown: list[list[dict[str, str]]]
) -> None:
    stop = keras.callbacks.EarlyStopping("loss", mode="max", patience=1)  # the loss falls
    epochs = len(model.fit(BATCHES, epochs=EPOCHS, callbacks=[stop]).epoch)

    assert epochs < EPOCHS
    assert f"epoch {epochs} of 5" in shown[0][-1]["text/plain"]


def test_a_bar_that_the_user_chose_or_refused_is_left_alone(
    model: RNNModel, shown: list[list[dict[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    model.fit(BATCHES, verbose=0)
    assert capsys.readouterr().out == ""
    model.fit(BATCHES, verbose=1)
    assert "perplexity" in capsys.readouterr().out
    model.fit(BATCHES, callbacks=[keras.callbacks.ProgbarLogger()])
    assert "perplexity" in capsys.readouterr().out
    keras.config.disable_interactive_logging()
    try:
        model.fit(BATCHES)
    finally:
        keras.config.enable_interactive_logging()

    assert shown == []


def test_train_shows_the_bar_with_its_reports_and_none_without(shown: list[list[dict[str, str]]]) -> None:
    config = TrainConfig(
        corpus=CorpusConfig(max_chars=60),
        model=ModelConfig(hidden_size=H),
        optimizer=OptimizerConfig(batch_size=B, num_steps=T, epochs=2),
        report=ReportConfig(prefixes=(" ",)),
    )
    lines: list[str] = []
    train(config, show=lines.append)
    assert "epoch 2 of 2" in shown[0][-1]["text/plain"]
    assert lines[0].startswith("epoch 2, perplexity ")

    train(config)
    assert len(shown) == 1


def test_elsewhere_fit_shows_keras_bar(model: RNNModel, capsys: pytest.CaptureFixture[str]) -> None:
    assert IPython.get_ipython() is None
    model.fit(BATCHES)
    assert "perplexity" in capsys.readouterr().out
