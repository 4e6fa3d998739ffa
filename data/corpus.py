"""Read lyrics from the built-in corpus, a file, a zip archive or the book's corpus."""

import hashlib
import itertools
import os
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lyric_lm.checks import check_at_least_one
from lyric_lm.data.archive import read_zipped_text
from lyric_lm.data.encoding import decode_text
from lyric_lm.data.errors import CorpusError, CorpusNotFoundError
from lyric_lm.data.jaychou import find_jaychou
from lyric_lm.data.vocabulary import Vocabulary

MAX_FILE_BYTES = 256 * 2**20
"""The most bytes that a text file may have; reading one takes about ten times its size of memory."""


@dataclass(frozen=True)
class Lyrics:
    """A text of N characters, ready for a model; made by `load_lyrics`."""

    text: str = field(repr=False)  # N characters
    ids: npt.NDArray[np.int32] = field(repr=False, compare=False)  # (N,), read-only: vocabulary.encode(text)
    vocabulary: Vocabulary
    source: str  # "built-in", "jaychou" or a path
    sha256: str  # of the text in UTF-8, as it stands here, in hexadecimal
    line_starts: npt.NDArray[np.int64] = field(repr=False, compare=False)  # (L,), of the source's lines

    @classmethod
    def _of(cls, text: str, vocabulary: Vocabulary, source: str, line_starts: npt.NDArray[np.int64]) -> Self:
        ids = vocabulary.encode(text)
        ids.flags.writeable = False
        return cls(text, ids, vocabulary, source, hashlib.sha256(text.encode()).hexdigest(), line_starts)

    def split(self, validation_split: float) -> tuple[Self, Self]:
        """Part the text into a training and a validation text, the latter from the end.

        The parts are contiguous because songs repeat their lines: shuffled, many a line would be in both.
        Both have one vocabulary: the training part's characters and an unknown token for all others.

        Args:
            validation_split: share of the N characters, in (0, 1), that goes to validation; rounded.

        Returns:
            The training text and the validation text.

        Raises:
            ValueError: if the share is not in (0, 1).
            CorpusError: if one part would be empty.

        >>> training, validation = load_lyrics("built-in", max_chars=1_000).split(0.1)
        >>> len(training.text), len(validation.text)
        (900, 100)
        """
        if not 0 < validation_split < 1:
            raise ValueError(
                f"`validation_split` must lie in (0, 1). Received: validation_split={validation_split}"
            )
        num_validation = round(len(self.text) * validation_split)
        if not 0 < num_validation < len(self.text):
            raise CorpusError(
                f"A text of {len(self.text)} characters is too short to be split by "
                f"validation_split={validation_split}: one part would be empty; take a longer text."
            )
        training, validation = self.text[:-num_validation], self.text[-num_validation:]
        vocabulary = Vocabulary.from_text(training, unknown=True)
        learnt = self.line_starts < len(training)
        starts = np.unique(np.append(0, self.line_starts[~learnt] - len(training)))
        return (
            self._of(training, vocabulary, self.source, self.line_starts[learnt]),
            self._of(validation, vocabulary, self.source, starts),
        )

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
        ends = np.append(self.line_starts[1:] - 1, len(self.text))
        lines = [self.text[start:end] for start, end in zip(self.line_starts, ends, strict=True)]
        words = [line.strip() for line in lines]
        sung = [i for i, line in enumerate(words) if line]
        pairs: set[tuple[str, str]] = set()
        repeated: set[int] = set()
        for i, j in itertools.pairwise(sung):
            pair = words[i], words[j]
            if pair in pairs:
                repeated.update((i, j))
            pairs.add(pair)
        kept: list[str] = []
        for i, line in enumerate(lines):
            empty_again = not words[i] and kept and not kept[-1].strip()
            if i not in repeated and not empty_again:
                kept.append(line)
        line_end = self.text[ends[0] : ends[0] + 1]
        starts = np.cumsum([0] + [len(line) + 1 for line in kept[:-1]])
        return self._of(line_end.join(kept), self.vocabulary, self.source, starts)


def load_lyrics(
    source: str | os.PathLike[Any] = "built-in",
    *,
    max_chars: int | None = None,
    keep_newlines: bool = False,
    encoding: str | None = None,
    vocabulary: Vocabulary | None = None,
) -> Lyrics:
    """Read a text and turn it into ids.

    Args:
        source: "built-in", lyrics written for this project; "jaychou", the book's corpus, found in the folder
            $LYRIC_LM_DATA or in Keras' cache, or else downloaded; or the path of a text file or of a zip
            archive that holds one .txt (at most 64 MiB).
        max_chars: how many characters to keep from the start, at least 1; None keeps all.
        keep_newlines: whether line ends stay. By default each becomes a space, as in the book.
        encoding: the file's encoding; by default UTF-8, UTF-16 and UTF-32 (by their marks), GB18030 and Big5
            are recognised.
        vocabulary: whose ids to use, for a text to validate on or to score; by default the text's own.

    Returns:
        The text, its ids int32 `(N,)`, and the vocabulary.

    Raises:
        ValueError: if `max_chars` is below 1.
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
    text = read_text(source, encoding=encoding)[:max_chars]
    code_points = np.frombuffer(text.encode("utf-32-le"), "<u4")  # (N,)
    line_starts = np.append(0, np.flatnonzero(code_points == ord("\n")) + 1)
    if not keep_newlines:
        text = text.replace("\n", " ")
    if vocabulary is None:
        vocabulary = Vocabulary.from_text(text)
    return Lyrics._of(text, vocabulary, os.fsdecode(source), line_starts)


def read_text(source: str | os.PathLike[Any], *, encoding: str | None = None) -> str:
    r"""Read a text as it is, but for its line ends, each of which becomes \n.

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
    if source == "built-in":
        name = "The built-in corpus"
        data = resources.files("lyric_lm.data").joinpath("lyrics.txt").read_bytes()
    else:
        path = find_jaychou() if source == "jaychou" else Path(os.fsdecode(source))
        name, data = repr(str(path)), _read_file(path)  # repr escapes what a terminal must not get raw
    text = decode_text(data, name=name, encoding=encoding).replace("\r\n", "\n").replace("\r", "\n")
    if (offset := text.find("\0")) >= 0:
        raise CorpusError(
            f"{name} looks like a binary file: its character {offset} is NUL; pass a text file, or, if "
            "it is UTF-16 without a byte order mark, its encoding (encoding='utf-16-le')."
        )
    if any("\ud800" <= character <= "\udfff" for character in set(text)):
        raise CorpusError(f"{name} holds halves of surrogate pairs; pass its true encoding (encoding=...).")
    if not text.strip():
        raise CorpusError(f"{name} holds no text but white space; pass a file with lyrics in it.")
    return text


def _read_file(path: Path) -> bytes:
    name = repr(str(path))
    try:
        if path.is_dir():
            problem = "is a folder; pass a text file or a zip archive in it."
        elif path.exists() and not path.is_file():
            problem = "is a device or a pipe; pass a text file."  # its end might never come
        else:
            with path.open("rb") as file:
                is_archive = path.suffix.lower() == ".zip"
                data = read_zipped_text(file, name=name) if is_archive else file.read(MAX_FILE_BYTES + 1)
            if len(data) <= MAX_FILE_BYTES:
                return data
            problem = f"is larger than {MAX_FILE_BYTES // 2**20} MiB; cut it into smaller texts."
    except CorpusError:
        raise
    except (FileNotFoundError, ValueError) as error:  # ValueError: no file can have such a name
        raise CorpusNotFoundError(f"There is no file {name}; check the path, or take 'built-in'.") from error
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); check its permissions and its name."
    raise CorpusError(f"{name} {problem}")
