"""What the library calls an argument, the command calls a flag."""

import dataclasses
import re
from collections.abc import Collection

from lyric_lm.settings.config import CorpusConfig, ModelConfig, OptimizerConfig, ReportConfig, SamplingConfig
from lyric_lm.settings.devices import DeviceConfig

_PARTS = (CorpusConfig, ModelConfig, OptimizerConfig, ReportConfig, SamplingConfig, DeviceConfig)
_NAMES = tuple(field.name for part in _PARTS for field in dataclasses.fields(part))


def with_flags(message: str, names: Collection[str] = _NAMES) -> str:
    """A message of the library as the command says it.

    Args:
        message: any.
        names: of the arguments that are flags; by default those of a training's settings.

    >>> with_flags("`batch_size` must be at least 1. Received: batch_size=0; see raw=True and 'num_steps'")
    "--batch-size must be at least 1. Received: --batch-size 0; see --raw and 'num_steps'"
    """
    any_name = "|".join(names)
    # `name`, name=True, name=value, or a name of two words; never inside the name of a file.
    argument = re.compile(
        rf"(?<![\w'\"/.-])(?:`(?P<quoted>{any_name})`|(?P<given>{any_name})(?:=True\b|(?P<value>=))"
        rf"|(?P<bare>(?=\w+_)(?:{any_name})\b(?![/.'\"])))"
    )

    def flag(match: re.Match[str]) -> str:
        name = match["quoted"] or match["given"] or match["bare"]
        return f"--{name.replace('_', '-')}" + (" " if match["value"] else "")

    return argument.sub(flag, message)
