"""`flags_of`: settings as the words of a command line."""

import dataclasses
import shlex
from typing import Any

from lyric_lm.settings.config import TrainConfig


def flags_of(*parts: Any) -> list[str]:
    """The flags that make these settings of the defaults.

    Args:
        parts: dataclasses whose fields are flags, or hold such dataclasses.

    >>> from lyric_lm.settings.config import ModelConfig
    >>> flags_of(ModelConfig(hidden_size=64, tie_embeddings=True, embedding_dim=8))
    ['--hidden-size', '64', '--embedding-dim', '8', '--tie-embeddings']
    """
    words = []
    for part in parts:
        default = type(part)()
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            if dataclasses.is_dataclass(value):
                words += flags_of(value)
            elif value != getattr(default, field.name):
                words += flag(field.name, value)
    return words


def train_command(config: TrainConfig, *, run_dir: str) -> str:
    """The line that trains a model with these settings."""
    return shlex.join(["lyric-lm", "train", *flags_of(config), "--run-dir", run_dir])


def flag(name: str, value: Any) -> list[str]:
    """A flag and its value, or the values of a tuple."""
    word = "--" + name.replace("_", "-")
    if isinstance(value, bool):
        return [word if value else "--no-" + word[2:]]
    values = value if isinstance(value, tuple) else (value,)
    return [word, *map(str, values)]
