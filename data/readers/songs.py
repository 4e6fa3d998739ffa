"""`Songs`: what a reader makes of a file."""

import re
from collections import Counter
from dataclasses import dataclass, field

from lyric_lm.data.characters import SONG_END


@dataclass(frozen=True)
class Songs:
    r"""The songs of a file, each a text with \n line ends, and how many of what were left out."""

    texts: list[str]
    removed: Counter[str] = field(default_factory=Counter)  # "time stamps" -> 1204


def parted(text: str, gap: int | None) -> list[str]:
    r"""The songs of a text, parted where a U+001E stands and where enough blank lines do.

    Args:
        text: with \n line ends.
        gap: blank lines in a row that end a song, >= 1; None: none do.

    >>> parted("one\n\ntwo\n \n\nthree\x1efour", gap=2)
    ['one\n\ntwo', 'three', 'four']
    """
    blank_lines = "" if gap is None else rf"|\n(?:[^\S\n]*\n){{{gap},}}"
    return re.split(SONG_END + blank_lines, text)
