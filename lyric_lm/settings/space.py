"""`SearchSpace`: which settings a search varies, and between which values."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from lyric_lm.errors import SettingsError
from lyric_lm.settings.changes import flat_settings, with_settings
from lyric_lm.settings.config import LEARNING_RATES, TrainConfig

RATE_OF_OPTIMIZER = {f"learning_rate_{name}": name for name in LEARNING_RATES}
"""Learning rates that are searched for each optimizer apart, and of which one."""

LOG_SCALE = ("learning_rate", "clipping_theta")
"""Settings of which two values are the ends of an interval on a log scale; three are choices."""

FORMER_NAMES = {
    "learning_rates": "learning_rate",
    "hidden_sizes": "hidden_size",
    "optimizers": "optimizer",
    "cells": "cell",
    "layers": "num_layers",
    "dropouts": "dropout",
    "thetas": "clipping_theta",
    "batch_sizes": "batch_size",
    "step_counts": "num_steps",
}
"""What the settings were called in a space until version 0.2, and are called now."""


class SearchSpace:
    """The settings that a search varies; the others stay as they are.

    Where nobody says a learning rate, it varies too, between a tenth and ten times what suits the optimizer.

    Args:
        values: for the names of settings of a `TrainConfig` the values to try: one sets it; several are
            choices, but two of LOG_SCALE are the lowest and the highest; none leaves it as it is.

    Raises:
        ValueError: there is no such setting, a value comes twice, or an interval is none.

    >>> space = SearchSpace(hidden_size=(128, 256), activation=("tanh", "relu"))
    >>> sorted(space.searched(TrainConfig()))
    ['activation', 'hidden_size', 'learning_rate']
    """

    def __init__(self, **values: Sequence[Any]) -> None:
        self.values: dict[str, tuple[Any, ...]] = {}
        known = flat_settings(TrainConfig())
        for given, several in values.items():
            name = FORMER_NAMES.get(given, given)
            if name != given:
                warnings.warn(f"`{given}` is called `{name}` now", DeprecationWarning, stacklevel=2)
            if name not in known:
                raise ValueError(f"`{name}` is not a setting of a training.")
            if isinstance(several, str) or len(set(several)) < len(several):
                raise ValueError(f"`{name}` must hold each of its values once. Received: {name}={several!r}")
            if several:
                self.values[name] = tuple(several)
            if _is_interval(name, several) and not 0 < several[0] < several[1] < math.inf:
                raise ValueError(
                    f"`{name}` must be a lowest and a larger highest value, both positive. "
                    f"Received: {name}={several}"
                )

    def searched(self, base: TrainConfig) -> dict[str, tuple[Any, ...]]:
        """For each setting that varies, its choices or the two ends of its interval.

        Args:
            base: the settings that stay.

        Raises:
            SettingsError: a value is out of range, or does not go together with `base`.
        """
        base = self.fixed(base)
        found = {name: values for name, values in self.values.items() if len(values) > 1}
        for name, values in found.items():
            for value in values:
                _changed(base, {name: value})
        if "learning_rate" not in found and base.optimizer.learning_rate is None:
            optimizers = found.get("optimizer", (base.optimizer.optimizer,))
            for optimizer in optimizers:
                name = f"learning_rate_{optimizer}" if len(optimizers) > 1 else "learning_rate"
                found[name] = (LEARNING_RATES[optimizer] / 10, LEARNING_RATES[optimizer] * 10)
        return found

    def fixed(self, base: TrainConfig) -> TrainConfig:
        """The settings that stay, with those of which the space has one value.

        Raises:
            SettingsError: a value is out of range, or does not go together with the others.
        """
        return _changed(base, {name: values[0] for name, values in self.values.items() if len(values) == 1})

    def declare(self, hp: Any, base: TrainConfig) -> TrainConfig:
        """Tell KerasTuner of the space, and return the settings that its present values stand for.

        Args:
            hp: a `keras_tuner.HyperParameters`; names are those of the settings. Where several optimizers
                are searched and no learning rate is given, each has its own, `learning_rate_sgd` and so on.
            base: the settings that stay.

        Raises:
            SettingsError: values are out of range or do not go together.
        """
        values: dict[str, Any] = {}
        searched = self.searched(base)
        # Parents first: the learning rates of two optimizers are conditional.
        for name in sorted(searched, key=RATE_OF_OPTIMIZER.__contains__):
            if optimizer := RATE_OF_OPTIMIZER.get(name):
                with hp.conditional_scope("optimizer", [optimizer]):
                    rate = _float(hp, name, searched[name])
                if values["optimizer"] == optimizer:
                    values["learning_rate"] = rate
            elif _is_interval(name, searched[name]):
                values[name] = _float(hp, name, searched[name])
            else:
                values[name] = hp.Choice(name, list(searched[name]))
        return _changed(self.fixed(base), values)


def _changed(base: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """As `with_settings`, of values from a space."""
    try:
        return with_settings(base, values)
    except ValueError as error:
        raise SettingsError(f"The space holds settings that do not go together: {error}.") from error


def _is_interval(name: str, values: Sequence[Any]) -> bool:
    return name in (*LOG_SCALE, *RATE_OF_OPTIMIZER) and len(values) == 2


def _float(hp: Any, name: str, bounds: tuple[float, ...]) -> Any:
    low, high = bounds
    return hp.Float(name, low, high, sampling="log", default=math.sqrt(low * high))


DEFAULT_SPACE = SearchSpace(hidden_size=(64, 128, 256, 512))
"""What a search varies where nothing is said: the hidden size, and the learning rate."""
