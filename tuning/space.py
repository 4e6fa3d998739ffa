"""`SearchSpace`: which settings a search varies, and between which values. Imports nothing heavy."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal

from lyric_lm.settings.config import LEARNING_RATES, TrainConfig

RATE_OF_OPTIMIZER = {f"learning_rate_{name}": name for name in LEARNING_RATES}
"""Learning rates that are searched for each optimizer apart, and of which one."""


def choices(setting: str, default: tuple[Any, ...] = ()) -> Any:
    """A field of a space: values to choose from; empty leaves the setting as it is."""
    return dataclasses.field(default=default, metadata={"setting": setting})


def interval(setting: str) -> Any:
    """A field of a space: (lowest, highest) > 0 on a log scale; None leaves the setting as it is."""
    return dataclasses.field(default=None, metadata={"setting": setting, "log_scale": True})


@dataclasses.dataclass(frozen=True)
class SearchSpace:
    """The settings that a search varies; the others stay as the training's own flags say.

    Extend it by a subclass: a field made by `choices` or `interval` varies the setting of `TrainConfig` that
    it names.

    Raises:
        ValueError: a field holds values that no training accepts, or twice the same.

    >>> import dataclasses
    >>> @dataclasses.dataclass(frozen=True)
    ... class WithActivation(SearchSpace):
    ...     activations: tuple[str, ...] = choices("activation", ("tanh", "relu"))
    >>> sorted(WithActivation().searched(TrainConfig()))
    ['activation', 'hidden_size', 'learning_rate']
    """

    # lowest and highest, log scale; None: a tenth to ten times what suits the optimizer
    learning_rates: tuple[float, float] | None = interval("learning_rate")
    hidden_sizes: tuple[int, ...] = choices("hidden_size", (64, 128, 256, 512))  # hidden units
    optimizers: tuple[Literal["sgd", "adam", "adamw"], ...] = choices("optimizer")  # update rules
    cells: tuple[Literal["rnn", "gru", "lstm"], ...] = choices("cell")  # recurrent cells
    layers: tuple[int, ...] = choices("num_layers")  # recurrent layers
    dropouts: tuple[float, ...] = choices("dropout")  # shares of units dropped, in [0, 1)
    thetas: tuple[float, float] | None = interval("clipping_theta")  # lowest and highest, log scale
    batch_sizes: tuple[int, ...] = choices("batch_size")  # rows of a batch
    step_counts: tuple[int, ...] = choices("num_steps")  # characters of a row

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            values, setting = getattr(self, field.name), field.metadata["setting"]
            if not values:
                continue
            if field.metadata.get("log_scale"):
                _check_interval(field.name, values)
            elif len(set(values)) < len(values):
                raise ValueError(f"`{field.name}` must hold each value once. Received: {field.name}={values}")
            for value in values:
                with_settings(TrainConfig(), {setting: value})

    def searched(self, base: TrainConfig) -> dict[str, tuple[Any, ...]]:
        """For each setting that varies, its choices or the two ends of its interval.

        Args:
            base: the settings that stay.

        Raises:
            SettingsError: a setting is both fixed in `base` and searched elsewhere, or a value of the space
                does not go together with `base`.
        """
        found = {
            field.metadata["setting"]: tuple(getattr(self, field.name) or ())
            for field in dataclasses.fields(self)
        }
        fixed, usual = _flat(base), _flat(TrainConfig())
        for field in dataclasses.fields(self):
            name = field.metadata["setting"]
            values = found[name]
            if fixed[name] != usual[name] and values and not _holds(field, values, fixed[name]):
                raise _contradiction(field, values, fixed[name])
            for value in values:
                _together(base, {name: value})
        if not found["learning_rate"] and base.optimizer.learning_rate is None:
            for optimizer in found["optimizer"] or (base.optimizer.optimizer,):
                several = len(found["optimizer"]) > 1
                suits = LEARNING_RATES[optimizer]
                found[f"learning_rate_{optimizer}" if several else "learning_rate"] = (suits / 10, suits * 10)
        return {name: values for name, values in found.items() if len(values) > 1}

    def freed(self, base: TrainConfig, usual: TrainConfig) -> TrainConfig:
        """The settings that stay, where those that are as usual do not contradict what is searched.

        Args:
            base: the settings that stay.
            usual: those of a command line that fixes nothing. `searched` takes what is usual for the chapter,
                and cannot tell a recipe's value from one that the user has fixed.

        Raises:
            SettingsError: a setting is fixed and searched, or the space contradicts `base` otherwise.
        """
        now, recipe = _flat(base), _flat(usual)
        first = {}
        for field in dataclasses.fields(self):
            name, values = field.metadata["setting"], getattr(self, field.name) or ()
            if len(values) > 1 and now[name] != recipe[name]:
                raise _contradiction(field, values, now[name])
            if values and now[name] == recipe[name]:
                first[name] = values[0]
        return _together(base, first)

    def declare(self, hp: Any, base: TrainConfig) -> TrainConfig:
        """Tell KerasTuner of the space, and return the settings that its present values stand for.

        Args:
            hp: a `keras_tuner.HyperParameters`; names are those of the settings. Where several optimizers
                are searched and `learning_rates` is None, each has its own, `learning_rate_sgd` and so on.
            base: the settings that stay.

        Raises:
            SettingsError: the space contradicts itself or `base`.
        """
        values = {
            field.metadata["setting"]: getattr(self, field.name)[0]
            for field in dataclasses.fields(self)
            if getattr(self, field.name) and len(getattr(self, field.name)) == 1
        }
        log_scale = {f.metadata["setting"] for f in dataclasses.fields(self) if f.metadata.get("log_scale")}
        searched = self.searched(base)
        # Parents first: the learning rates of two optimizers are conditional.
        for name in sorted(searched, key=RATE_OF_OPTIMIZER.__contains__):
            if optimizer := RATE_OF_OPTIMIZER.get(name):
                with hp.conditional_scope("optimizer", [optimizer]):
                    rate = _float(hp, name, searched[name])
                if values["optimizer"] == optimizer:
                    values["learning_rate"] = rate
            elif name in log_scale:
                values[name] = _float(hp, name, searched[name])
            else:
                values[name] = hp.Choice(name, list(searched[name]))
        return _together(base, values)


def with_settings(config: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """The same settings but for some, named without the part of the configuration they are in.

    Raises:
        ValueError: there is no such setting, or its value is out of range.

    >>> with_settings(TrainConfig(), {"hidden_size": 8}).model.hidden_size
    8
    """
    if strange := sorted(set(values) - set(_flat(config))):
        raise ValueError(f"`{strange[0]}` is not a setting of a training.")
    parts = {}
    for field in dataclasses.fields(config):
        part = getattr(config, field.name)
        own = {f.name for f in dataclasses.fields(part)}
        parts[field.name] = dataclasses.replace(part, **{n: v for n, v in values.items() if n in own})
    return TrainConfig(**parts)


def _flat(config: TrainConfig) -> dict[str, Any]:
    return {name: value for part in config.to_dict().values() for name, value in part.items()}


def _together(base: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """As `with_settings`, of values from a space."""
    from lyric_lm.errors import SettingsError  # needs TensorFlow, which --help must not wait for

    try:
        return with_settings(base, values)
    except ValueError as error:
        raise SettingsError(f"The space holds settings that do not go together: {error}.") from error


def _contradiction(field: Any, values: tuple[Any, ...], fixed: Any) -> Exception:
    from lyric_lm.errors import SettingsError  # needs TensorFlow, which --help must not wait for

    one, several = _flag(field.metadata["setting"]), _flag(field.name)
    alone = "" if field.metadata.get("log_scale") else f", or give {several} {fixed}"
    return SettingsError(
        f"{one} fixes {fixed}, while {several} searches {' '.join(map(str, values))}: leave {one} out{alone}."
    )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _float(hp: Any, name: str, bounds: tuple[float, ...]) -> Any:
    low, high = bounds
    return hp.Float(name, low, high, sampling="log", default=math.sqrt(low * high))


def _check_interval(name: str, values: tuple[float, ...]) -> None:
    low, high = values
    if not 0 < low < high < math.inf:
        raise ValueError(
            f"`{name}` must be a lowest and a larger highest value, both positive. Received: {name}={values}"
        )


def _holds(field: Any, values: tuple[Any, ...], value: Any) -> bool:
    if field.metadata.get("log_scale"):
        return bool(values[0] <= value <= values[1])
    return value in values
