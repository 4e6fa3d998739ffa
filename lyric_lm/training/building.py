"""From settings to an untrained model, compiled with its optimizer."""

from typing import Any

import keras

from lyric_lm.data import Vocabulary
from lyric_lm.generation.building import build_rules, build_sampler
from lyric_lm.generation.sample_writer import SampleWriter
from lyric_lm.model.growth import inherit
from lyric_lm.model.replicas import scope_of
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.settings.config import LEARNING_RATES, ModelConfig, OptimizerConfig, TrainConfig
from lyric_lm.settings.devices import DeviceConfig
from lyric_lm.training.devices import check_batches, strategy_of
from lyric_lm.training.parent import Parent
from lyric_lm.training.texts import Texts

_CELLS = {"rnn": keras.layers.SimpleRNNCell, "gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}
_OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
}


def compiled_model(
    config: TrainConfig, texts: Texts, devices: DeviceConfig | None = None, *, parent: Parent | None = None
) -> RNNModel:
    """What a training begins with: a compiled model whose weights are drawn from the settings' seed.

    Seeds Python, NumPy, TensorFlow and Keras, as `keras.utils.set_random_seed` does.

    Args:
        config: the settings.
        texts: what will be learnt; they know every character of the parent.
        devices: where; None: on one device, or on those of the strategy in scope.
        parent: the run to go on from, whose weights are taken instead: see `lyric_lm.model.growth.inherit`.

    Raises:
        CorpusError: the text is too short for a single batch.
        SettingsError: devices are not there, or a batch does not divide by them.
    """
    keras.utils.set_random_seed(config.optimizer.seed)
    strategy = strategy_of(devices or DeviceConfig())
    check_batches(config, strategy)
    with scope_of(strategy):
        model = untrained_model(config, texts)
        if parent is not None:
            inherit(model, parent.model)
    return model


def untrained_model(config: TrainConfig, texts: Texts) -> RNNModel:
    """The same, but drawn from the random state that Python and Keras happen to have.

    Raises:
        CorpusError: the text is too short for a single batch.
    """
    total_steps = int(texts.batches(config).cardinality()) * config.optimizer.epochs
    model = build_model(config.model, texts.vocabulary, clipping_theta=config.optimizer.clipping_theta)
    model.compile(optimizer=build_optimizer(config.optimizer, total_steps=total_steps))
    return model


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


def sample_writer(config: TrainConfig, texts: Texts) -> SampleWriter:
    """Writes the samples of a training's reports."""
    return SampleWriter(
        config.report.prefixes,
        num_chars=config.report.num_chars,
        sampler=build_sampler(config.sampling),
        rules=build_rules(config.sampling, texts.training),
        seed=config.optimizer.seed,
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
