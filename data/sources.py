"""Find and read the files that a text is in: paths, folders, patterns, archives and what is piped in."""

import functools
import glob
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any

from lyric_lm.data.archive import MAX_TEXT_BYTES, read_zipped_texts
from lyric_lm.data.compression import COMPRESSED, read_compressed
from lyric_lm.data.errors import CorpusError, CorpusNotFoundError
from lyric_lm.data.jaychou import find_jaychou
from lyric_lm.data.readers import SUFFIXES

MAX_FILE_BYTES = 256 * 2**20
"""The most bytes that are read at once, of a text or of one file; they take ten times as much memory."""

PIPE = "-"
_MAX_FILES = 100_000  # of a folder

SourceLike = str | os.PathLike[Any]


@dataclass(frozen=True)
class SourceFile:
    """A file's content, what messages call it, and its suffix in small letters: what kind it is of."""

    name: str
    suffix: str
    data: bytes = field(repr=False)


@dataclass
class SourceFiles:
    """The files of a text, read one after the other.

    Args:
        source: "built-in", "jaychou", "-" for the standard input, a path, or a pattern such as "songs/*.lrc";
            or several of them.

    Attributes:
        num_skipped: how many files were left out because no reader knows their suffix; known at the end.
    """

    source: SourceLike | Sequence[SourceLike]
    num_skipped: int = 0

    def __iter__(self) -> Iterator[SourceFile]:
        """The files, each folder's sorted by path.

        Raises:
            CorpusNotFoundError: there is no such file.
            CorpusError: one cannot be read, or they are too large.
        """
        left = MAX_FILE_BYTES
        several = not isinstance(self.source, (str, bytes, os.PathLike))
        sources: Sequence[Any] = self.source if several else [self.source]  # type: ignore[assignment]
        if not sources:
            raise CorpusNotFoundError("No file is named; name one, or take 'built-in'.")
        for source in sources:
            for file in self._files_of(source, left):
                left -= len(file.data)
                yield file

    def paths(self) -> list[Path]:
        """The paths of all files, in order; none where a source is a corpus with a name, or piped in.

        Raises:
            CorpusNotFoundError: a pattern finds no file.
            CorpusError: a folder holds no text, or too many.
        """
        several = not isinstance(self.source, (str, bytes, os.PathLike))
        sources: Sequence[Any] = self.source if several else [self.source]  # type: ignore[assignment]
        if any(source in ("built-in", "jaychou", PIPE) for source in sources):
            return []
        return [path for source in sources for path in self._paths(os.fsdecode(source))]

    def _files_of(self, source: SourceLike, left: int) -> Iterator[SourceFile]:
        if source == "built-in":
            data = resources.files("lyric_lm.data").joinpath("lyrics.txt").read_bytes()
            yield SourceFile("The built-in corpus", ".txt", data)
        elif source == PIPE:
            yield SourceFile("The standard input", "", _piped())
        elif source == "jaychou":
            yield from read_path(find_jaychou(), left)
        else:
            for path in self._paths(os.fsdecode(source)):
                for file in read_path(path, left):
                    left -= len(file.data)
                    yield file

    def _paths(self, source: str) -> list[Path]:
        """The path itself, or what a pattern finds, each folder replaced by the files in it."""
        if not source:
            raise CorpusNotFoundError("There is no file ''; check the path, or take 'built-in'.")
        found = [Path(source)]
        if glob.has_magic(source) and not os.path.lexists(source):
            found = [Path(path) for path in sorted(glob.glob(source, recursive=True))]  # noqa: PTH207 - no root
            if not found:
                raise CorpusNotFoundError(f"No file matches {source!r}; check the pattern.")
        paths: list[Path] = []
        for path in found:
            paths += self._files_in(path) if _is_folder(path) else [path]
        return paths

    def _files_in(self, folder: Path) -> list[Path]:
        """The files of a folder and its folders that a reader knows, but for hidden ones."""
        files: list[Path] = []
        for root, folders, names in os.walk(folder):  # follows no links, so it ends
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            shown = [name for name in names if not name.startswith(".")]
            known = [name for name in shown if kind_of(name) in SUFFIXES or kind_of(name) == ".zip"]
            self.num_skipped += len(shown) - len(known)
            files += [Path(root, name) for name in known]
            if len(files) > _MAX_FILES:
                raise CorpusError(f"{str(folder)!r} holds more than {_MAX_FILES:,} texts; join some of them.")
        if not files:
            raise CorpusError(
                f"{str(folder)!r} is a folder without a text in it; "
                f"it may hold {', '.join(SUFFIXES)} and archives."
            )
        return sorted(files)


def kind_of(name: str) -> str:
    """The suffix that tells the kind: of "a.LRC.gz" it is ".lrc"."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in COMPRESSED else path.suffix


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False  # whatever it is, `read_path` says what is wrong with it


def read_path(path: Path, left: int) -> list[SourceFile]:
    """A file's content, or the contents of an archive's files.

    Args:
        path: of the file.
        left: the most bytes that it may have.

    Raises:
        CorpusNotFoundError: there is no such file.
        CorpusError: it cannot be read, or is larger.
    """
    name = repr(str(path))  # repr escapes what a terminal must not get raw
    outer = path.suffix.lower()
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise CorpusError(f"{name} is a device or a pipe; pass a text file, or pipe it in as {PIPE!r}.")
        with path.open("rb") as file:
            if outer == ".zip":
                texts = read_zipped_texts(file, name=name, suffixes=SUFFIXES)
                many = len(texts) > 1
                return [
                    SourceFile(f"{inner!r:.80} in {name}" if many else name, kind_of(inner), data)
                    for inner, data in texts
                ]
            if outer in COMPRESSED:
                data = read_compressed(file, outer, name=name, max_bytes=min(left, MAX_TEXT_BYTES))
            else:
                data = file.read(left + 1)
    except (FileNotFoundError, ValueError) as error:  # ValueError: no file can have such a name
        if isinstance(error, CorpusError):
            raise
        raise CorpusNotFoundError(f"There is no file {name}; check the path, or take 'built-in'.") from error
    except OSError as error:
        raise CorpusError(
            f"{name} cannot be read ({error.strerror}); check its permissions and its name."
        ) from error
    if len(data) > left:
        raise CorpusError(f"{name} is larger than {MAX_FILE_BYTES // 2**20} MiB; cut it into smaller texts.")
    return [SourceFile(name, kind_of(path.name), data)]


@functools.cache
def _piped() -> bytes:
    """The standard input, which gives its content once, where a command may ask for it twice."""
    data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise CorpusError(
            f"The standard input is larger than {MAX_FILE_BYTES // 2**20} MiB; put it into files."
        )
    return data
