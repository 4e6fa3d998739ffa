"""Where lines end, in a model's vocabulary and in what it writes."""

import re

from lyric_lm.data import Vocabulary


def line_end(vocabulary: Vocabulary) -> str:
    """What ends a line: a newline, or else a space, as in the chapter; "" where it has neither."""
    return next((end for end in "\n " if end in vocabulary.characters), "")


def beginning(vocabulary: Vocabulary) -> str:
    """What a text begins after: a line end, but where songs are apart, they begin by themselves: ""."""
    return "" if vocabulary.song_end_id is not None else line_end(vocabulary)


def first_lines(text: str, count: int, end: str) -> str:
    """The first lines that hold something, without the end of the last; all of a text that has fewer.

    Args:
        text: lines.
        count: lines to keep, >= 1.
        end: what ends a line; "" leaves the text as it is.

    >>> first_lines("  in the rain  I wait for", 3, " ")
    '  in the rain'
    """
    place = 0
    for _ in range(count if end else 0):
        start = len(text) - len(text[place:].lstrip(end))
        place = text.find(end, start)
        if place < 0:
            return text
    return text[:place] if end else text


def folded(text: str) -> str:
    r"""A text without its blank lines.

    >>> folded("one\n\n \ntwo\n")
    'one\ntwo\n'
    """
    return re.sub(r"\n(?:[^\S\n]*\n)+", "\n", text)


def before_stop(text: str, stops: tuple[str, ...]) -> str:
    r"""A text up to the first of some strings; all of it where none of them stands in it.

    >>> before_stop("one\ntwo", ("\n",))
    'one'

    Raises:
        ValueError: one of them is empty.
    """
    if not all(stops):
        raise ValueError("`stop` must hold at least one character. Received: stop=''")
    return text[: min((place for stop in stops if (place := text.find(stop)) >= 0), default=len(text))]
