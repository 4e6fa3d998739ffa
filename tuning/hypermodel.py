"""`RNNHyperModel`: the model and the training that KerasTuner varies."""

from collections.abc import Callable
from typing import Any

import keras_tuner as kt
import tensorflow as tf

from lyric_lm.data import Lyrics, Vocabulary
from lyric_lm.errors import SettingsError
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.settings.config import TrainConfig
from lyric_lm.training import Texts, compiled_model
from lyric_lm.training.model_size import check_model_size
from lyric_lm.tuning.space import RATE_OF_OPTIMIZER, SearchSpace


class RNNHyperModel(kt.HyperModel):  # type: ignore[misc]
    """What a search varies; works with `lyric_lm.tuning.search` and with any tuner of KerasTuner.

    Args:
        training: the text to learn.
        validation: the text held out, if any.
        base: the settings that stay; the default is the chapter's.
        space: the settings that vary.
        extra: called as `extra(hp, config)` with KerasTuner's hyperparameters and the settings that the space
            led to; returns the settings to train with. For what a `SearchSpace` cannot say.

    Raises:
        SettingsError: the space is empty or contradicts `base`.

    >>> import keras_tuner as kt
    >>> from lyric_lm.data import load_lyrics
    >>> lyrics = load_lyrics("built-in", max_chars=2_000)
    >>> hypermodel = RNNHyperModel(lyrics, space=SearchSpace(hidden_sizes=(4, 8)))
    >>> hypermodel.build(kt.HyperParameters()).rnns[0].cell.units
    4
    """

    def __init__(
        self,
        training: Lyrics,
        validation: Lyrics | None = None,
        *,
        base: TrainConfig | None = None,
        space: SearchSpace | None = None,
        extra: Callable[[kt.HyperParameters, TrainConfig], TrainConfig] | None = None,
    ) -> None:
        super().__init__(name="lyric_lm")
        self.training, self.validation = training, validation
        self.texts = Texts(training, validation)
        self.base = base or TrainConfig()
        self.space = space or SearchSpace()
        self.extra = extra
        self.declared = kt.HyperParameters()
        self.train_config(self.declared)
        if not self.declared.space:
            raise SettingsError(
                "There is nothing to search, since every setting has one value: give --learning-rates, "
                "--hidden-sizes or another field of the space two values."
            )

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters that the model knows."""
        return self.training.vocabulary

    def train_config(self, hp: kt.HyperParameters) -> TrainConfig:
        """The settings that the values of `hp` stand for; declares the space where `hp` is new to it."""
        config = self.space.declare(hp, self.base)
        return config if self.extra is None else self.extra(hp, config)

    def varied(self, hp: kt.HyperParameters) -> dict[str, Any]:
        """What tells a trial from another, each optimizer's learning rate under the one name."""
        return {
            "learning_rate" if name in RATE_OF_OPTIMIZER else name: value
            for name, value in hp.values.items()
            if not name.startswith("tuner/")
        }

    def build(self, hp: kt.HyperParameters) -> RNNModel:
        """A new, compiled model, its weights drawn with the training's own seed.

        Raises:
            SettingsError: it would not fit into this machine's memory.
        """
        config = self.train_config(hp)
        check_model_size(config, len(self.vocabulary))
        return compiled_model(config, self.texts)

    def fit(self, hp: kt.HyperParameters, model: RNNModel, *args: Any, **kwargs: Any) -> Any:
        """Train the model as `model.fit` does.

        Args:
            hp: say how the text is cut into batches.
            model: from `build`.
            args: as for `model.fit`; where there are none, the training text's batches.
            kwargs: as for `model.fit`; `validation_data`, `epochs` and `verbose` default to the validation
                text, the epochs of the settings and 0.

        Returns:
            Keras' history.
        """
        config = self.train_config(hp)
        defaults = {
            "epochs": config.optimizer.epochs,
            "verbose": 0,
            "validation_data": self.texts.validation_batches,
        }
        return model.fit(*(args or (self.batches(config),)), **{**defaults, **kwargs})

    def batches(self, config: TrainConfig) -> tf.data.Dataset:
        """The training text in batches, cut once for each size.

        Raises:
            CorpusError: the text is too short for a single batch.
        """
        return self.texts.batches(config)
