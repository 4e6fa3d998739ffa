"""Leave out of a text what it repeats."""

import itertools

import numpy as np
import numpy.typing as npt

from lyric_lm.data.characters import SONG_END

Starts = npt.NDArray[np.int64]


def each_chorus_once(text: str, line_starts: Starts, song_starts: Starts) -> tuple[str, Starts, Starts]:
    """Leave out two lines in a row that stood before; see `Lyrics.without_repeats`.

    Args:
        text: N characters, at least one; a mark before, between and after its songs, or none at all.
        line_starts: int64 `(L,)`, L >= 1.
        song_starts: int64 `(S,)`, each of them a line's.

    Returns:
        The shorter text, and where its lines and songs start.
    """
    apart = text.startswith(SONG_END)
    closing = SONG_END if apart and text.endswith(SONG_END) else ""
    ends = np.append(line_starts[1:] - 1, len(text) - len(closing))
    lines = [text[start:end] for start, end in zip(line_starts, ends, strict=True)]
    words = [line.strip() for line in lines]
    repeated = _repeated(words)
    kept: list[int] = []
    for i in range(len(lines)):
        empty_again = not words[i] and kept and not words[kept[-1]]
        if i not in repeated and not empty_again:
            kept.append(i)
    song_of = np.searchsorted(song_starts, line_starts, side="right")
    if apart:  # no song begins or ends with an empty line
        songs = [0, *song_of[kept].tolist(), 0]
        around = zip(kept, songs[:-2], songs[2:], strict=True)
        kept = [i for i, before, after in around if words[i] or before == song_of[i] == after]
    begins = np.diff(song_of[kept], prepend=0) > 0
    # What stands before each line: a line end, or the mark between two songs.
    heads = [
        SONG_END if apart and begin else text[start - 1 : start]
        for start, begin in zip(line_starts[kept].tolist(), begins, strict=True)
    ]
    if not apart:
        heads[0] = ""
    pieces = [head + lines[i] for head, i in zip(heads, kept, strict=True)]
    starts = np.cumsum([0, *map(len, pieces[:-1])]) + [len(head) for head in heads]
    return "".join(pieces) + closing, starts, starts[begins]


def _repeated(words: list[str]) -> set[int]:
    """The lines that are in a pair of lines which stood before."""
    sung = [i for i, line in enumerate(words) if line]
    pairs: set[tuple[str, str]] = set()
    repeated: set[int] = set()
    for i, j in itertools.pairwise(sung):
        pair = words[i], words[j]
        if pair in pairs:
            repeated.update((i, j))
        pairs.add(pair)
    return repeated
