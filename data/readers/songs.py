"""`Songs`: what a reader makes of a file."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Songs:
    r"""The songs of a file, each a text with \n line ends, and how many of what were left out."""

    texts: list[str]
    removed: Counter[str] = field(default_factory=Counter)  # "time stamps" -> 1204
