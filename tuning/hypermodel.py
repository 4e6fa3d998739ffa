"""`RNNHyperModel`: the model and the training that KerasTuner varies."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner as kt

from lyric_lm.data import Lyrics, Vocabulary
from lyric_lm.errors import SettingsError
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.settings.config import TrainConfig
from lyric_lm.settings.space import DEFAULT_SPACE, RATE_OF_OPTIMIZER, SearchSpace
from lyric_lm.training import Texts
from lyric_lm.training.building import untrained_model
from lyric_lm.training.model_size import check_model_size
from lyric_lm.tuning import keras_internals  # noqa: F401, so that KerasTuner knows the perplexity


class RNNHyperModel(kt.HyperModel):  # type: ignore[misc]
    """What a search varies; works with `lyric_lm.tuning.search` and with any tuner of KerasTuner.

    Args:
        training: the text to learn.
        validation: the text held out, if any.
        base: the settings that stay; the default is the chapter's.
        space: the settings that vary; None is learning rate and hidden size.
        extra: called as `extra(hp, config)` with KerasTuner's hyperparameters and the settings that the space
            led to; returns the settings to train with. For what a `SearchSpace` cannot say.

    Raises:
        SettingsError: nothing varies, or the values do not go together.

    >>> import keras_tuner as kt
    >>> from lyric_lm.data import load_lyrics
    >>> lyrics = load_lyrics("built-in", max_chars=2_000)
    >>> hypermodel = RNNHyperModel(lyrics, space=SearchSpace(hidden_size=(4, 8)))
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
        self.texts = Texts(training, validation)
        self.space = space or DEFAULT_SPACE
        self.base = self.space.fixed(base or TrainConfig())
        self.extra = extra
        self.declared = kt.HyperParameters()
        self.train_config(self.declared)
        if not self.declared.space:
            raise SettingsError(
                "There is nothing to search, since every setting has one value: give --learning-rate, "
                "--hidden-size or another setting of the space two values."
            )

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters that the model knows."""
        return self.texts.vocabulary

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
        """A new, compiled model.

        Its weights are drawn as any Keras model's: `keras.utils.set_random_seed` before makes them the same
        again.

        Raises:
            SettingsError: it would not fit into this machine's memory.
        """
        config = self.train_config(hp)
        check_model_size(config, len(self.vocabulary))
        return untrained_model(config, self.texts)

    def fit(self, hp: kt.HyperParameters, model: RNNModel, *args: Any, **kwargs: Any) -> Any:
        """Train the model as `model.fit` does, on the training text where no other data is given.

        Args:
            hp: say how the text is cut into batches.
            model: from `build`.
            args: as for `model.fit`.
            kwargs: as for `model.fit`; `validation_data`, `epochs` and `verbose` default to the validation
                text, the epochs of the settings and 0.

        Returns:
            Keras' history.
        """
        config = self.train_config(hp)
        given = inspect.signature(keras.Model.fit).bind_partial(model, *args, **kwargs).arguments
        defaults: dict[str, Any] = {"epochs": config.optimizer.epochs, "verbose": 0}
        if "validation_split" not in given:
            defaults["validation_data"] = self.texts.validation_batches
        if "x" not in given:
            defaults["x"] = self.texts.batches(config)
        kwargs |= {name: value for name, value in defaults.items() if name not in given}
        return model.fit(*args, **kwargs)
