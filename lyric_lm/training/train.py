"""`train`: from settings to a trained model in a run folder."""

from collections.abc import Sequence
from typing import Any

import keras

from lyric_lm.callbacks.epoch_guards import LastGoodModel, RunHistory
from lyric_lm.data import Vocabulary
from lyric_lm.errors import DivergedError
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.runs.card import run_card
from lyric_lm.runs.run import CARD, Run
from lyric_lm.settings.config import LEARNING_RATES, ModelConfig, OptimizerConfig, TrainConfig
from lyric_lm.training.model_size import check_model_size
from lyric_lm.training.texts import Texts, check_prefixes, load_texts, training_batches, validation_batches

_CELLS = {"rnn": keras.layers.SimpleRNNCell, "gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}
_OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
}


def train(
    config: TrainConfig,
    *,
    texts: Texts | None = None,
    run: Run | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> RNNModel:
    """Train a model on a text.

    Args:
        config: the settings; the default is the chapter's.
        texts: what `load_training_texts(config)` gave; None reads them here.
        run: where to write history.csv after each epoch, model.keras and README.md at the end; None writes
            nothing.
        callbacks: told of every epoch, before the run is written; with an `ExactResume` among them, the
            training goes on from its newest checkpoint.

    Returns:
        The model, of the last epoch, or, where a text is held out, of the one with the best val_perplexity.

    Raises:
        CorpusError: the text cannot be read or is too short.
        UnknownCharacterError: a prefix to report holds a character that the text lacks.
        SettingsError: the model would not fit into this machine's memory.
        RunWriteError: a file of the run cannot be written; the last good state stays.
        DivergedError: the loss became NaN or infinite; the run holds the model of the last good epoch.
    """
    texts = texts or load_training_texts(config)
    keras.utils.set_random_seed(config.optimizer.seed)
    model = build_model(config.model, texts.vocabulary, clipping_theta=config.optimizer.clipping_theta)
    batches = training_batches(texts.training, config.optimizer, config.data)
    total_steps = int(batches.cardinality()) * config.optimizer.epochs
    model.compile(optimizer=build_optimizer(config.optimizer, total_steps=total_steps))
    guard = LastGoodModel(run)
    history = None if run is None else RunHistory(run)
    own: list[keras.callbacks.Callback] = [guard] if history is None else [guard, history]
    validation = None
    if texts.validation is not None:
        validation = validation_batches(texts.validation.ids)
        own.append(_best_epoch_keeper(config.optimizer))
    model.fit(
        batches,
        validation_data=validation,
        epochs=config.optimizer.epochs,
        verbose=0,
        callbacks=[*callbacks, *own],
    )
    if run is not None and history is not None and guard.epoch:
        run.save_model(model)
        run.write(CARD, run_card(run.record(), history.epochs, path=str(run.path)))
    if guard.diverged:
        raise DivergedError(guard.message())
    return model


def load_training_texts(config: TrainConfig) -> Texts:
    """Read the texts and check that they are long enough and know the prefixes."""
    texts = load_texts(config.data)
    check_model_size(config, len(texts.vocabulary))
    training_batches(texts.training, config.optimizer, config.data)
    check_prefixes(config.report.prefixes, texts.vocabulary)
    return texts


def build_model(config: ModelConfig, vocabulary: Vocabulary, *, clipping_theta: float | None) -> RNNModel:
    """An untrained model."""
    new_cell = _CELLS[config.cell]
    cells = [new_cell(config.hidden_size, activation=config.activation) for _ in range(config.num_layers)]
    cell = cells[0] if len(cells) == 1 else keras.layers.StackedRNNCells(cells)
    return RNNModel(
        cell,
        vocabulary,
        clipping_theta=clipping_theta,
        embedding_dim=config.embedding_dim,
        tie_embeddings=config.tie_embeddings,
        dropout=config.dropout,
        character_dropout=config.character_dropout,
        label_smoothing=config.label_smoothing,
    )


def build_optimizer(config: OptimizerConfig, *, total_steps: int | None = None) -> keras.optimizers.Optimizer:
    """The optimizer, with the learning rate that suits it where none is given.

    Args:
        config: the settings.
        total_steps: training steps in all the epochs; only a schedule needs it.

    Raises:
        ValueError: a schedule without `total_steps`.
    """
    rate = LEARNING_RATES[config.optimizer] if config.learning_rate is None else config.learning_rate
    if config.schedule == "cosine":
        if total_steps is None:
            raise ValueError("`total_steps` is needed by schedule=cosine. Received: total_steps=None")
        rate = _cosine_decay(rate, total_steps, int(total_steps * config.warmup))
    decay = {"weight_decay": config.weight_decay} if config.optimizer == "adamw" else {}
    return _OPTIMIZERS[config.optimizer](rate, **decay)


def _cosine_decay(rate: float, total_steps: int, warmup_steps: int) -> Any:
    """From 0 to the rate in the warm-up, then down to a hundredth of it along half a cosine wave."""
    if not warmup_steps:
        return keras.optimizers.schedules.CosineDecay(rate, total_steps, alpha=0.01)
    return keras.optimizers.schedules.CosineDecay(
        0.0, total_steps - warmup_steps, alpha=0.01, warmup_target=rate, warmup_steps=warmup_steps
    )


def _best_epoch_keeper(config: OptimizerConfig) -> keras.callbacks.EarlyStopping:
    """Keeps the weights of the epoch with the best val_perplexity, and stops where it stays away too long."""
    return keras.callbacks.EarlyStopping(
        monitor="val_perplexity",
        mode="min",
        patience=config.epochs if config.patience is None else config.patience,
        restore_best_weights=True,
    )
