"""`train`: from settings to a trained model in a run folder."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from lyric_lm.config import LEARNING_RATES, ModelConfig, OptimizerConfig, TrainConfig
from lyric_lm.data import Lyrics, Vocabulary, consecutive_batches, load_lyrics
from lyric_lm.errors import DivergedError
from lyric_lm.model import RNNModel
from lyric_lm.runs import Run

_CELLS = {"rnn": keras.layers.SimpleRNNCell, "gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}
_OPTIMIZERS = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}


def train(
    config: TrainConfig, *, run: Run | None = None, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> RNNModel:
    """Train a model on a text.

    Args:
        config: the settings; the default is the chapter's.
        run: where to write history.csv after each epoch and model.keras at the end; None writes nothing.
        callbacks: told of every epoch, before the run is written.

    Returns:
        The model, of the last epoch.

    Raises:
        CorpusError: the text cannot be read or is too short.
        UnknownCharacterError: a prefix to report holds a character that the text lacks.
        DivergedError: the loss became NaN or infinite; the run holds the model of the last good epoch.
    """
    lyrics = load_training_text(config)
    keras.utils.set_random_seed(config.optimizer.seed)
    model = build_model(config.model, lyrics.vocabulary, clipping_theta=config.optimizer.clipping_theta)
    model.compile(optimizer=build_optimizer(config.optimizer))
    batches = consecutive_batches(lyrics.ids, config.optimizer.batch_size, config.optimizer.num_steps)
    guard = _LastGoodModel(run)
    own = [guard] if run is None else [guard, _RunHistory(run)]
    try:
        model.fit(batches, epochs=config.optimizer.epochs, verbose=0, callbacks=[*callbacks, *own])
    finally:
        if run is not None and guard.epoch:
            run.save_model(model)
    if guard.diverged:
        raise DivergedError(guard.message())
    return model


def load_training_text(config: TrainConfig) -> Lyrics:
    """Read the corpus and check that it is long enough and knows the prefixes."""
    lyrics = load_lyrics(
        config.data.corpus,
        max_chars=config.data.max_chars,
        keep_newlines=config.data.keep_newlines,
        encoding=config.data.encoding,
    )
    consecutive_batches(lyrics.ids, config.optimizer.batch_size, config.optimizer.num_steps)
    for prefix in config.report.prefixes:
        lyrics.vocabulary.encode(prefix)
    return lyrics


def build_model(config: ModelConfig, vocabulary: Vocabulary, *, clipping_theta: float | None) -> RNNModel:
    """An untrained model."""
    new_cell = _CELLS[config.cell]
    cells = [new_cell(config.hidden_size, activation=config.activation) for _ in range(config.num_layers)]
    cell = cells[0] if len(cells) == 1 else keras.layers.StackedRNNCells(cells)
    return RNNModel(cell, vocabulary, clipping_theta=clipping_theta)


def build_optimizer(config: OptimizerConfig) -> keras.optimizers.Optimizer:
    """The optimizer, with the learning rate that suits it where none is given."""
    rate = LEARNING_RATES[config.optimizer] if config.learning_rate is None else config.learning_rate
    return _OPTIMIZERS[config.optimizer](rate)


class _LastGoodModel(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops at a loss that is no number, and puts back the weights of the epoch before."""

    def __init__(self, run: Run | None) -> None:
        super().__init__()
        self.epoch = 0  # the last good one, counted from 1
        self.diverged = False
        self._run = run
        self._weights: list[np.ndarray[Any, Any]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        del logs
        self._weights = self.model.get_weights()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        weights = self.model.get_weights()
        if math.isfinite((logs or {})["loss"]) and all(np.isfinite(w).all() for w in weights):
            self.epoch, self._weights = epoch + 1, weights
            return
        self.diverged = self.model.stop_training = True
        self.model.set_weights(self._weights)

    def message(self) -> str:
        """One sentence for the person who started the training."""
        kept = ""
        if self._run is not None and self.epoch:
            kept = f"The model of epoch {self.epoch} is kept in {self._run.path}."
        return (
            f"The loss is no longer a number in epoch {self.epoch + 1}: "
            f"lower the learning rate or clipping_theta. {kept}".strip()
        )


class _RunHistory(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes history.csv after each epoch."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self._epochs: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        del epoch
        self._epochs.append({name: float(value) for name, value in (logs or {}).items()})
        self._run.write_history(self._epochs)
