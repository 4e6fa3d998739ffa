"""`load_lyrics`: from files to a text and its ids."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lyric_lm.checks import check_at_least_one, check_vocabulary_limits
from lyric_lm.data.characters import SONG_END
from lyric_lm.data.corpus import Lyrics
from lyric_lm.data.large_text import check_can_stream, text_pieces
from lyric_lm.data.origin import Origin, read_files
from lyric_lm.data.readers.options import ReadingOptions
from lyric_lm.data.sources import SourceFiles, read_path
from lyric_lm.data.store import open_store
from lyric_lm.data.store_ids import StoreOptions
from lyric_lm.data.stored_lyrics import StoredLyrics
from lyric_lm.data.vocabulary import Vocabulary

LARGE_BYTES = 128 * 2**20
"""The most bytes of a text's files that are read into memory; of more the ids are kept on disk."""

_MOST_HELD_CHARS = 32_000_000  # of the first part of such a text
_BLANK_LINE = "\n\n"  # between two songs that are not kept apart


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
    min_count: int | None = None,
    max_vocabulary: int | None = None,
) -> Lyrics:
    """Read a text and turn it into ids.

    Where the files are larger than `LARGE_BYTES`, 128 MiB, the ids are written to a hidden folder beside
    them, once, and read from there: see `StoredLyrics`.

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
        min_count: the fewest occurrences of a character that the vocabulary has; rarer ones are unknown.
        max_vocabulary: the largest V, the unknown token included; the commonest characters are known.

    Returns:
        The text, its ids int32 `(N,)`, and the vocabulary.

    Raises:
        ValueError: if a number is below 1, `max_vocabulary` below 2, or another argument is not one of those
            listed.
        CorpusNotFoundError: if there is no such file.
        CorpusError: if it cannot be read as text, or holds none; if the ids of a large one cannot be written,
            or those that are there are damaged.
        UnknownCharacterError: if the given vocabulary lacks a character and has no unknown token.

    >>> lyrics = load_lyrics("built-in", max_chars=10_000)
    >>> lyrics.ids.shape
    (10000,)
    >>> lyrics.vocabulary.decode(lyrics.ids) == lyrics.text
    True
    """
    check_at_least_one(max_chars=max_chars)
    check_vocabulary_limits(min_count, max_vocabulary)
    if songs not in ("together", "apart"):
        raise ValueError(f"`songs` must be together or apart. Received: songs={songs!r:.40}")
    apart = songs == "apart"
    if apart and source == "built-in" and song_gap is None:
        song_gap = 1
    options = ReadingOptions(encoding, encoding_errors, raw, column, field, script, song_gap)
    if paths := _large(source):
        check_can_stream(options, songs)
        if max_chars is None or max_chars > _MOST_HELD_CHARS:
            how = StoreOptions(options, keep_newlines, min_count, max_vocabulary, vocabulary)
            store = open_store(paths, how)
            return StoredLyrics(
                store, _named(source), stop=min(max_chars or store.num_chars, store.num_chars)
            )
        texts, origin = _first_part(paths, options, max_chars)
    else:
        texts, origin = read_files(source, options)
    text = _with_marks(texts) if apart else _BLANK_LINE.join(texts)
    origin.num_chars = origin.num_chars or len(text)
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
        vocabulary = Vocabulary.from_text(text, min_count=min_count, max_vocabulary=max_vocabulary)
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


def _large(source: str | os.PathLike[Any] | Sequence[str | os.PathLike[Any]]) -> list[Path]:
    """The files of a text, if they are too large to be read into memory."""
    paths = SourceFiles(source).paths()
    try:
        sizes = [path.stat().st_size for path in paths if path.is_file()]
    except (OSError, ValueError):
        return []  # reading it says what is wrong
    if sum(sizes) <= LARGE_BYTES:
        return []
    for path in paths:
        if not path.is_file():
            read_path(path, 0)  # says what is wrong
    return paths


def _first_part(paths: list[Path], options: ReadingOptions, max_chars: int) -> tuple[list[str], Origin]:
    origin, kept = Origin(), ""
    for piece in text_pieces(paths, options, origin):
        origin.num_chars += len(piece)  # to the end, for what is cut off is said
        kept += piece[: max_chars - len(kept)]
    return [kept], origin
