"""Which lines of a text stand in the training text: what was read before is easy to predict."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from lyric_lm.data import Lyrics


@dataclasses.dataclass(frozen=True)
class RepeatedLines:
    """The lines of a text of N characters that stand in the training text, too."""

    num_lines: int  # of the text, empty ones left out
    num_repeated: int
    is_new: NDArray[np.bool_]  # (N,), whether a character is in no such line; a line's end belongs to it


def repeated_lines(lyrics: Lyrics, training: Lyrics) -> RepeatedLines:
    """Find the lines that were in the training text; white space around a line does not count.

    Args:
        lyrics: the text to look at.
        training: the text that was learnt.
    """
    learnt = {training.text[start:end].strip() for start, end in _lines(training)}
    is_new = np.ones(len(lyrics.text), bool)
    num_lines = num_repeated = 0
    for start, end in _lines(lyrics):
        line = lyrics.text[start:end].strip()
        num_lines += bool(line)
        if line and line in learnt:
            num_repeated += 1
            is_new[start:end] = False
    return RepeatedLines(num_lines, num_repeated, is_new)


def _lines(lyrics: Lyrics) -> list[tuple[int, int]]:
    starts = lyrics.line_starts.tolist()
    return list(zip(starts, [*starts[1:], len(lyrics.text)], strict=True))
