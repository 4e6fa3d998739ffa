"""Settings by their names alone, without the part of the configuration that they are in."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from lyric_lm.settings.config import TrainConfig


def with_settings(config: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """The same settings but for some, named without the part of the configuration they are in.

    Raises:
        ValueError: there is no such setting, or its value is out of range.

    >>> with_settings(TrainConfig(), {"hidden_size": 8}).model.hidden_size
    8
    """
    if strange := sorted(set(values) - set(flat_settings(config))):
        raise ValueError(f"`{strange[0]}` is not a setting of a training.")
    parts = {}
    for field in dataclasses.fields(config):
        part = getattr(config, field.name)
        own = {f.name for f in dataclasses.fields(part)}
        parts[field.name] = dataclasses.replace(part, **{n: v for n, v in values.items() if n in own})
    return TrainConfig(**parts)


def flat_settings(config: TrainConfig) -> dict[str, Any]:
    """All settings of a training, by their names alone."""
    return {name: value for part in config.to_dict().values() for name, value in part.items()}


def differences(stored: Any, new: Any, name: str = "") -> Iterator[str]:
    """In which of their values, which may be dictionaries again, two dictionaries differ, a sentence each.

    >>> list(differences({"seed": 1, "model": {"cell": "rnn"}}, {"seed": 1, "model": {"cell": "gru"}}))
    ["model cell was 'rnn' and is now 'gru'"]
    """
    if isinstance(stored, dict) and isinstance(new, dict):
        for key in stored | new:
            yield from differences(stored.get(key), new.get(key), f"{name} {key}".strip())
    elif stored != new:
        before, now = ("nothing" if value is None else f"{value!r:.80}" for value in (stored, new))
        yield f"{name} was {before} and is now {now}"
