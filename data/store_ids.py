"""Encode a text that is larger than memory allows: read it once to count characters, once to write ids."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lyric_lm.data.common_characters import common_characters
from lyric_lm.data.errors import CorpusError
from lyric_lm.data.large_text import text_pieces
from lyric_lm.data.origin import Origin
from lyric_lm.data.readers.options import ReadingOptions
from lyric_lm.data.vocabulary import Vocabulary

_NUM_CODES = 0x110000
_SURROGATES = slice(0xD800, 0xE000)
_HEAD_CHARS = 2**20  # from the start, whose line starts are noted
_NEWLINE, _SPACE = ord("\n"), ord(" ")


@dataclass(frozen=True)
class StoreOptions:
    """All that the ids of a text depend on but its files."""

    reading: ReadingOptions
    keep_newlines: bool = False
    min_count: int | None = None
    max_vocabulary: int | None = None
    vocabulary: Vocabulary | None = None  # a given one; None takes the text's

    def describe(self) -> dict[str, Any]:
        """The same, JSON-able."""
        known = None if self.vocabulary is None else self.vocabulary.sha256
        limits = {"min_count": self.min_count, "max_vocabulary": self.max_vocabulary}
        return {**asdict(self.reading), **limits, "keep_newlines": self.keep_newlines, "vocabulary": known}


def write_ids(path: Path, paths: Sequence[Path], options: StoreOptions) -> dict[str, Any]:
    """Write the ids of a text in NumPy's format.

    Args:
        path: of the file to write.
        paths: of the text's files.
        options: how they are read.

    Returns:
        What is known of the text, JSON-able.

    Raises:
        CorpusNotFoundError, CorpusError, UnknownCharacterError, OSError: the text cannot be read, or encoded,
            or the file cannot be written.
    """
    origin, census = Origin(), _Census(options.keep_newlines)
    for piece in text_pieces(paths, options.reading, origin):
        census.add(piece)
    origin.num_chars = num_chars = int(census.counts.sum())
    vocabulary = census.vocabulary(options, name=repr(str(paths[0])))
    table = _table(vocabulary, keep_newlines=options.keep_newlines)
    with path.open("wb") as file:
        header = {"descr": table.dtype.str, "fortran_order": False, "shape": (num_chars,)}
        np.lib.format.write_array_header_1_0(file, header)
        left = num_chars
        for piece in text_pieces(paths, options.reading, Origin()):
            left -= len(piece)
            file.write(table[_codes(piece)].data)
    if left:
        raise CorpusError(f"{str(paths[0])!r} has changed while it was read; load it again.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "num_chars": num_chars,
        "sha256": census.sha256.hexdigest(),
        "ids_sha256": digest,
        "vocabulary": vocabulary.to_config(),
        "line_starts": census.line_starts,
        "origin": origin.describe(),
    }


class _Census:
    """Counts the characters of a text, piece by piece."""

    def __init__(self, keep_newlines: bool) -> None:
        self._keep_newlines = keep_newlines
        self._length = 0
        self.counts = np.zeros(_NUM_CODES, np.int64)  # by code point
        self.sha256 = hashlib.sha256()
        self.line_starts = [0]

    def add(self, piece: str) -> None:
        codes = _codes(piece)
        if self._length < _HEAD_CHARS:
            starts = np.flatnonzero(codes == _NEWLINE) + 1 + self._length
            self.line_starts += starts[starts < _HEAD_CHARS].tolist()
        self._length += len(piece)
        found = np.bincount(codes)
        self.counts[: len(found)] += found
        text = piece if self._keep_newlines else piece.replace("\n", " ")
        self.sha256.update(text.encode("utf-8", "surrogatepass"))

    def vocabulary(self, options: StoreOptions, *, name: str) -> Vocabulary:
        """The vocabulary that the text is encoded by.

        Raises:
            CorpusError: there is no text, or it is damaged.
            UnknownCharacterError: the given vocabulary lacks a character and has no unknown token.
        """
        if self.counts[_SURROGATES].any():
            raise CorpusError(
                f"{name} holds halves of surrogate pairs; pass its true encoding (encoding=...)."
            )
        if not self._keep_newlines:
            self.counts[_SPACE] += self.counts[_NEWLINE]
            self.counts[_NEWLINE] = 0
        codes = np.flatnonzero(self.counts)
        characters = codes.astype("<u4").tobytes().decode("utf-32-le")
        if not characters.strip():
            raise CorpusError(f"{name} holds no text but white space; pass a file with lyrics in it.")
        if options.vocabulary is not None:
            options.vocabulary.encode(characters)
            return options.vocabulary
        limits = {"min_count": options.min_count, "max_vocabulary": options.max_vocabulary}
        if limits == dict.fromkeys(limits):
            return Vocabulary(characters)
        return Vocabulary(common_characters(codes, self.counts[codes], **limits), unknown=True)


def _table(vocabulary: Vocabulary, *, keep_newlines: bool) -> npt.NDArray[np.integer[Any]]:
    """The id of each code point that the text has, of the smallest type that holds V of them."""
    unknown = vocabulary.unknown_id
    table = np.full(_NUM_CODES, 0 if unknown is None else unknown, np.min_scalar_type(len(vocabulary) - 1))
    known = _codes("".join(vocabulary.characters))
    table[known] = np.arange(len(known))
    if not keep_newlines:
        table[_NEWLINE] = table[_SPACE]
    return table


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
