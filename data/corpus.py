"""A text as a model learns it: characters, ids, lines and songs."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from lyric_lm.checks import check_at_least_one
from lyric_lm.data.characters import SONG_END
from lyric_lm.data.errors import CorpusError
from lyric_lm.data.known_ids import remember_encoding
from lyric_lm.data.origin import Origin, read_files
from lyric_lm.data.readers.options import ReadingOptions
from lyric_lm.data.repeats import each_chorus_once
from lyric_lm.data.vocabulary import Vocabulary

_BLANK_LINE = "\n\n"  # between two songs that are not kept apart


@dataclass(frozen=True)
class Lyrics:
    """A text of N characters, ready for a model; made by `load_lyrics`."""

    text: str = field(repr=False)  # N characters
    ids: npt.NDArray[np.int32] = field(repr=False, compare=False)  # (N,), read-only: vocabulary.encode(text)
    vocabulary: Vocabulary
    source: str  # "built-in", "jaychou" or a path
    sha256: str  # of the text in UTF-8, as it stands here, in hexadecimal
    line_starts: npt.NDArray[np.int64] = field(repr=False, compare=False)  # (L,), of the source's lines
    # (S,), of its songs: each file, row of a table or record is one
    song_starts: npt.NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(1, np.int64), repr=False, compare=False
    )
    origin: Origin | None = field(default=None, repr=False, compare=False)  # what was read, and how

    @classmethod
    def _of(
        cls,
        text: str,
        vocabulary: Vocabulary,
        source: str,
        *,
        line_starts: npt.NDArray[np.int64],
        song_starts: npt.NDArray[np.int64],
        origin: Origin | None,
    ) -> Self:
        ids = vocabulary.encode(text)
        ids.flags.writeable = False
        remember_encoding(ids, vocabulary)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(text, ids, vocabulary, source, digest, line_starts, song_starts, origin)

    @property
    def songs_apart(self) -> bool:
        """Whether a mark stands before, between and after the songs, as with `load_lyrics(songs="apart")`."""
        return self.text.startswith(SONG_END)

    def split(self, validation_split: float) -> tuple[Self, Self]:
        """Part the text into a training and a validation text, the latter from the end.

        The parts are contiguous because songs repeat their lines: shuffled, many a line would be in both.
        Both have one vocabulary: the training part's characters and an unknown token for all others. Songs
        that are apart stay whole, and both parts have the mark between them.

        Args:
            validation_split: share of the N characters, in (0, 1), that goes to validation; rounded, to whole
                songs where they are apart.

        Returns:
            The training text and the validation text.

        Raises:
            ValueError: if the share is not in (0, 1).
            CorpusError: if one part would be empty; of songs apart, if there is one only.

        >>> training, validation = load_lyrics("built-in", max_chars=1_000).split(0.1)
        >>> len(training.text), len(validation.text)
        (900, 100)
        """
        if not 0 < validation_split < 1:
            raise ValueError(
                f"`validation_split` must lie in (0, 1). Received: validation_split={validation_split}"
            )
        middle = len(self.text) - round(len(self.text) * validation_split)
        if not 0 < middle < len(self.text):
            raise CorpusError(
                f"A text of {len(self.text)} characters is too short to be split by "
                f"validation_split={validation_split}: one part would be empty; take a longer text."
            )
        if self.songs_apart:
            middle = self._nearest_song(middle)
        first = middle - self.songs_apart  # of the validation text
        training, validation = self.text[:middle], self.text[first:]
        vocabulary = Vocabulary.from_text(training, unknown=True)
        parts = (training, 0), (validation, first)
        return tuple(  # type: ignore[return-value] # two of them
            self._of(
                text,
                vocabulary,
                self.source,
                line_starts=_within(self.line_starts, first, text),
                song_starts=_within(self.song_starts, first, text),
                origin=self.origin,
            )
            for text, first in parts
        )

    def _nearest_song(self, place: int) -> int:
        """Where the song that is not the first starts nearest to a place."""
        if len(self.song_starts) < 2:
            raise CorpusError(
                "A text of one song cannot be split between songs: take several files, let blank lines end "
                "songs (song_gap=1), or keep them together (songs=together)."
            )
        others = self.song_starts[1:]
        return int(others[np.abs(others - place).argmin()])

    def without_repeats(self) -> Self:
        """The same text with each chorus sung once: where two lines in a row stood before, both are left out.

        Songs repeat their choruses, and what a model reads a dozen times it learns by heart. To leave repeats
        out of the training text is the remedy against copying of Lee et al. (2022), "Deduplicating training
        data makes language models better". A line alone may come back, as who speaks in a play does. Lines
        are the source's, also where line ends are spaces now; white space around them does not count, empty
        ones neither, of which one stays where several would be left in a row.

        Returns:
            The shorter text with the same vocabulary.

        >>> song = load_lyrics("built-in")
        >>> song.without_repeats().text == song.text  # no chorus in it comes back
        True
        """
        text, line_starts, song_starts = each_chorus_once(self.text, self.line_starts, self.song_starts)
        return self._of(
            text,
            self.vocabulary,
            self.source,
            line_starts=line_starts,
            song_starts=song_starts,
            origin=self.origin,
        )


def _within(starts: npt.NDArray[np.int64], first: int, part: str) -> npt.NDArray[np.int64]:
    """Where lines or songs start in a part of a text, counted from there; what goes on in it starts it."""
    own = starts[(starts >= first) & (starts < first + len(part))] - first
    return np.unique(np.append(int(part.startswith(SONG_END)), own))


def load_lyrics(
    source: str | os.PathLike[Any] | Sequence[str | os.PathLike[Any]] = "built-in",
    *,
    max_chars: int | None = None,
    keep_newlines: bool = False,
    encoding: str | None = None,
    vocabulary: Vocabulary | None = None,
    encoding_errors: Literal["strict", "replace"] = "strict",
    raw: bool = False,
    column: str | None = None,
    field: str | None = None,
    script: Literal["simplified", "traditional", "as-is"] = "as-is",
    songs: Literal["together", "apart"] = "together",
    song_gap: int | None = None,
) -> Lyrics:
    """Read a text and turn it into ids.

    Args:
        source: "built-in", lyrics written for this project; "jaychou", the book's corpus, found in the folder
            $LYRIC_LM_DATA or in Keras' cache, or else downloaded; or the path of a file (text, .lrc, .srt,
            Markdown, HTML, CSV, JSON, .docx), of a folder or zip archive of them, a pattern such as
            "songs/*.lrc", or "-" for the standard input; or several of these. `data/README.md` has the list.
        max_chars: how many characters to keep from the start, at least 1; None keeps all.
        keep_newlines: whether line ends stay. By default each becomes a space, as in the book.
        encoding: the files' encoding; by default each is recognised, or refused where it is uncertain.
        vocabulary: whose ids to use, for a text to validate on or to score; by default the text's own.
        encoding_errors: "strict" refuses bytes that are no text; "replace" makes each U+FFFD.
        raw: whether to take each file as it stands, time stamps, headings, marks and all.
        column: of a table, the name or the number, from 1, of the column with the words.
        field: of JSON, the name of the field with the words.
        script: "simplified" or "traditional" turns all Chinese characters into that script.
        songs: "together" joins songs by an empty line; "apart" puts a mark, U+001E, before, between and after
            them, from which a model learns where they begin and end, and reads each from a zero state.
        song_gap: blank lines in a row, at least 1, that end a song inside a file; None: none do, but for the
            built-in corpus with its songs apart.

    Returns:
        The text, its ids int32 `(N,)`, and the vocabulary.

    Raises:
        ValueError: if `max_chars` or `song_gap` is below 1, or another argument is not one of those listed.
        CorpusNotFoundError: if there is no such file.
        CorpusError: if it cannot be read as text, or holds none.
        UnknownCharacterError: if the given vocabulary lacks a character and has no unknown token.

    >>> lyrics = load_lyrics("built-in", max_chars=10_000)
    >>> lyrics.ids.shape
    (10000,)
    >>> lyrics.vocabulary.decode(lyrics.ids) == lyrics.text
    True
    """
    check_at_least_one(max_chars=max_chars)
    if songs not in ("together", "apart"):
        raise ValueError(f"`songs` must be together or apart. Received: songs={songs!r:.40}")
    apart = songs == "apart"
    if apart and source == "built-in" and song_gap is None:
        song_gap = 1
    options = ReadingOptions(encoding, encoding_errors, raw, column, field, script, song_gap)
    texts, origin = read_files(source, options)
    text = _with_marks(texts) if apart else _BLANK_LINE.join(texts)
    origin.num_chars = len(text)
    text = text[:max_chars]
    code_points = np.frombuffer(text.encode("utf-32-le"), "<u4")  # (N,)
    line_starts = np.append(0, np.flatnonzero(code_points == ord("\n")) + 1)
    song_starts = np.cumsum([0] + [len(song) + len(_BLANK_LINE) for song in texts[:-1]])
    if apart:
        song_starts = np.flatnonzero(code_points == ord(SONG_END)) + 1
        line_starts = np.union1d(line_starts[1:], song_starts)
        line_starts = line_starts[line_starts < max(len(text), 2)]
    if not keep_newlines:
        text = text.replace("\n", " ")
    if vocabulary is None:
        vocabulary = Vocabulary.from_text(text)
    return Lyrics._of(
        text,
        vocabulary,
        _named(source),
        line_starts=line_starts,
        song_starts=song_starts[song_starts < len(text)],
        origin=origin,
    )


def read_text(
    source: str | os.PathLike[Any] | Sequence[str | os.PathLike[Any]], *, encoding: str | None = None
) -> str:
    r"""Read a text as `load_lyrics` does, each line end as \n.

    Args:
        source: as for `load_lyrics`.
        encoding: as for `load_lyrics`.

    Returns:
        The text: at least one character that is not white space, no NUL, no half of a surrogate pair. Other
        control characters stay; whoever prints the text escapes them.

    Raises:
        CorpusNotFoundError: if there is no such file.
        CorpusError: if it cannot be read as text, or holds none.

    >>> len(read_text("built-in")) > 13_000
    True
    """
    return _BLANK_LINE.join(read_files(source, ReadingOptions(encoding))[0])


def _with_marks(songs: list[str]) -> str:
    return SONG_END + "".join(song.strip("\n") + SONG_END for song in songs)


def _named(source: str | os.PathLike[Any] | Sequence[str | os.PathLike[Any]]) -> str:
    sources = [source] if isinstance(source, (str, bytes, os.PathLike)) else source
    return ", ".join(os.fsdecode(path) for path in sources)
