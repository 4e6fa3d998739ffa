"""What the library calls an argument, the command calls a flag."""

import dataclasses
import re

from lyric_lm.settings.config import CorpusConfig, ModelConfig, OptimizerConfig, ReportConfig, SamplingConfig

_PARTS = (CorpusConfig, ModelConfig, OptimizerConfig, ReportConfig, SamplingConfig)
_NAMES = "|".join(field.name for part in _PARTS for field in dataclasses.fields(part))
# `name`, name=True, name=value, or a name of two words; never inside the name of a file.
_ARGUMENT = re.compile(
    rf"(?<![\w'\"/.-])(?:`(?P<quoted>{_NAMES})`|(?P<given>{_NAMES})(?:=True\b|(?P<value>=))"
    rf"|(?P<bare>(?=\w+_)(?:{_NAMES})\b(?![/.'\"])))"
)


def with_flags(message: str) -> str:
    """A message of the library as the command says it.

    >>> with_flags("`batch_size` must be at least 1. Received: batch_size=0; see raw=True and 'num_steps'")
    "--batch-size must be at least 1. Received: --batch-size 0; see --raw and 'num_steps'"
    """

    def flag(match: re.Match[str]) -> str:
        name = match["quoted"] or match["given"] or match["bare"]
        return f"--{name.replace('_', '-')}" + (" " if match["value"] else "")

    return _ARGUMENT.sub(flag, message)
