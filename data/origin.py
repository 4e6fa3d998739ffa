"""Read the files of a text, and remember for the reader's eyes how that went."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from lyric_lm.data.encoding import Decoded
from lyric_lm.data.errors import CorpusError
from lyric_lm.data.readers import read_songs
from lyric_lm.data.readers.options import ReadingOptions
from lyric_lm.data.readers.songs import parted
from lyric_lm.data.sources import SourceFile, SourceFiles

_CONVERSIONS = {"simplified": "t2s", "traditional": "s2t"}  # OpenCC's names
_PLAIN = ("utf-8", "ascii")  # what needs no words
_MOST_KINDS = 6  # of things removed that are named


@dataclass
class Origin:
    """What a text was read from and what of it was left out; as a `str` one line, or "" if there is no need.

    >>> print(Origin(num_files=2, num_songs=3, removed=Counter({"time stamps": 1204})))
    3 songs from 2 files; removed 1,204 time stamps (raw=True keeps them)
    """

    num_files: int = 0
    num_songs: int = 0
    num_chars: int = 0  # of all songs, before any is cut off
    num_skipped: int = 0  # files of a folder that no reader knows
    num_replaced: int = 0  # places that were no text in the encoding
    encodings: Counter[str] = field(default_factory=Counter)  # of how many files
    guessed: set[str] = field(default_factory=set)  # the encodings that are no more than a good guess
    removed: Counter[str] = field(default_factory=Counter)  # "time stamps" -> 1204
    store: str = ""  # the folder that the ids lie in, of a text that is not held in memory
    converted: str = ""  # "simplified" or "traditional", if all characters were turned into one script

    def add(self, decoded: Decoded | None, texts: list[str], removed: Counter[str] | None = None) -> None:
        """Count a file."""
        self.num_files += 1
        self.num_songs += len(texts)
        self.removed.update(removed or {})
        if decoded is not None:
            self.encodings[decoded.encoding] += 1
            self.num_replaced += decoded.num_replaced
            if not decoded.is_certain:
                self.guessed.add(decoded.encoding)

    def describe(self) -> dict[str, Any]:
        """The same, JSON-able."""
        counts = {"encodings": dict(self.encodings), "removed": dict(self.removed)}
        return {**vars(self), **counts, "guessed": sorted(self.guessed)}

    @classmethod
    def from_description(cls, found: dict[str, Any]) -> Self:
        """What `describe` described."""
        counts = {name: Counter(found[name]) for name in ("encodings", "removed")}
        return cls(**{**found, **counts, "guessed": set(found["guessed"])})

    def __str__(self) -> str:
        parts = []
        if self.num_songs > 1 or self.num_files > 1:
            parts.append(f"{_number(self.num_songs, 'songs')} from {_number(self.num_files, 'files')}")
        if self.num_skipped:
            parts.append(f"left out {_number(self.num_skipped, 'files')} of other kinds")
        if set(self.encodings) - set(_PLAIN):
            parts.append("read as " + ", ".join(self._encoding(name) for name in sorted(self.encodings)))
        if self.removed:
            kinds = [_number(number, kind) for kind, number in self.removed.most_common(_MOST_KINDS)]
            parts.append(f"removed {', '.join(kinds)} (raw=True keeps them)")
        if self.num_replaced:
            parts.append(f"{_number(self.num_replaced, 'places')} of no text made U+FFFD")
        if self.converted:
            parts.append(f"all characters made {self.converted}")
        if self.store:
            parts.append(f"its ids lie in {self.store!r} and are used again while the text is as it is")
        return "; ".join(parts)

    def _encoding(self, name: str) -> str:
        return f"{name} (a guess; encoding=... says otherwise)" if name in self.guessed else name


def read_files(
    source: str | os.PathLike[Any] | Sequence[str | os.PathLike[Any]], options: ReadingOptions
) -> tuple[list[str], Origin]:
    """The songs of a text's files, and how they were read.

    A single plain file is one song, as it stands; of several, each loses the empty lines around it.

    Args:
        source: as for `load_lyrics`.
        options: how to read them.

    Raises:
        CorpusNotFoundError: there is no such file.
        CorpusError: one cannot be read, or there is no text in any.
    """
    songs: list[str] = []
    origin = Origin()
    files = SourceFiles(source)
    names: list[str] = []
    for file in files:
        songs += songs_of_file(file, options, origin)
        names.append(file.name)
    origin.num_skipped = files.num_skipped
    if not songs:
        raise CorpusError(f"{names[0]} holds no text but white space; pass a file with lyrics in it.")
    if options.script != "as-is":
        songs = _converted(songs, options.script)
        origin.converted = options.script
    return songs if len(songs) == 1 else [song.strip("\n") for song in songs], origin


def songs_of_file(file: SourceFile, options: ReadingOptions, origin: Origin) -> list[str]:
    """The songs of one file, counted in `origin`.

    Raises:
        CorpusError: it cannot be read.
    """
    found, decoded = read_songs(file.data, file.suffix, options, name=file.name)
    as_they_stand = options.raw and options.song_gap is None
    texts = found.texts if as_they_stand else [s for t in found.texts for s in parted(t, options.song_gap)]
    texts = [text for text in texts if text.strip()]
    origin.add(decoded, texts, found.removed)
    return texts


def _converted(songs: list[str], script: str) -> list[str]:
    try:
        import opencc  # its dictionaries are worth loading only when they are needed
    except ModuleNotFoundError as error:
        raise CorpusError(f"script={script} needs a package: pip install opencc.") from error
    converter = opencc.OpenCC(_CONVERSIONS[script])
    return [converter.convert(song) for song in songs]


def _number(number: int, things: str) -> str:
    """A number of things, or of one: "1 line of credits" of "lines of credits"."""
    one = re.sub(
        r"(file|heading|line|mark|note|place|record|row|song|space|stamp|tag|translation|word)s\b",
        r"\1",
        things,
    )
    return f"{number:,} {one if number == 1 else things}"
