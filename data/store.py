"""`Store`: the ids of a text that is larger than memory allows, on disk beside their vocabulary.

A store is a hidden folder beside the text, `.songs.txt.ids/<options>/`: `ids.npy`, NumPy's own format, of the
smallest integer type that holds the vocabulary, and `store.json`. Both have checksums. It is written under
another name and renamed when it is whole.
"""

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lyric_lm.data.disk import sync
from lyric_lm.data.errors import CorpusError
from lyric_lm.data.origin import Origin
from lyric_lm.data.store_ids import StoreOptions, write_ids
from lyric_lm.data.vocabulary import Vocabulary

_FORMAT = "lyric_lm store 1"
_IDS, _RECORD, _TEMPORARY = "ids.npy", "store.json", ".tmp-"
_ABANDONED_SECONDS = 600  # since the last write into a temporary folder


@dataclass(frozen=True)
class Store:
    """A text of N characters on disk."""

    path: Path
    num_chars: int  # N
    sha256: str  # of the text in UTF-8, line ends as its ids have them, in hexadecimal
    vocabulary: Vocabulary
    line_starts: npt.NDArray[np.int64]  # (L,), of the lines of its first million characters
    origin: Origin

    def ids(self) -> npt.NDArray[np.integer[Any]]:
        """The ids, mapped anew: uint8, uint16 or uint32 (N,), read-only."""
        return np.load(self.path / _IDS, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]


def open_store(paths: Sequence[Path], options: StoreOptions) -> Store:
    """The store of a text, made if there is none or if a file has another size or time of change than then.

    Args:
        paths: of the text's files, at least one.
        options: how they are read.

    Raises:
        CorpusNotFoundError, CorpusError: a file cannot be read, or changes meanwhile; the store cannot be
            written, or is damaged.
        UnknownCharacterError: the given vocabulary lacks a character and has no unknown token.
    """
    anchor = paths[0]
    names = [Path(os.path.relpath(path, anchor.parent)).as_posix() for path in paths]
    key = hashlib.sha256(json.dumps([names, options.describe()]).encode()).hexdigest()[:12]
    folder = anchor.with_name(f".{anchor.name}.ids") / key
    files = _files(paths, names)
    if (store := _opened(folder, files)) is None:
        with _writing(folder) as temporary:
            record = write_ids(temporary / _IDS, paths, options)
            record |= {"format": _FORMAT, "files": files}
            sealed = {"sha256": _digest(record), "record": record}
            (temporary / _RECORD).write_text(json.dumps(sealed), encoding="utf-8")
            if _files(paths, names) != files:
                raise CorpusError(f"{str(anchor)!r} has changed while it was read; load it again.")
        store = _opened(folder, files)
    if store is None:
        raise CorpusError(f"{str(anchor)!r} has changed while it was read; load it again.")
    return store


def _files(paths: Sequence[Path], names: list[str]) -> list[list[Any]]:
    """What tells whether files are as they were: [name, bytes, nanoseconds of the last change] of each."""
    found = [path.stat() for path in paths]
    return [[name, one.st_size, one.st_mtime_ns] for name, one in zip(names, found, strict=True)]


def _opened(folder: Path, files: list[list[Any]]) -> Store | None:
    """The store in a folder, if it is of these files and whole; None where there is none, or one of others.

    Raises:
        CorpusError: something else is there, or it is damaged.
    """
    if not folder.exists():
        return None
    cure = "delete that folder, and it is made anew"
    try:
        sealed = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        record = sealed["record"]
        if sealed["sha256"] != _digest(record) or record["format"] != _FORMAT:
            raise ValueError("store.json is not as it was written")
        if record["files"] != files:
            return None
        with (folder / _IDS).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != record["ids_sha256"]:
                raise ValueError("ids.npy is not as it was written")
        origin = Origin.from_description(record["origin"])
        origin.store = str(folder)
        vocabulary = Vocabulary.from_config(record["vocabulary"])
        line_starts = np.array(record["line_starts"], np.int64)
        return Store(folder, record["num_chars"], record["sha256"], vocabulary, line_starts, origin)
    except OSError as error:
        raise CorpusError(f"The store {str(folder)!r} cannot be read ({error.strerror}); {cure}.") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CorpusError(
            f"{str(folder)!r} is a damaged store, or none of this program ({error!s:.80}); {cure}."
        ) from error


def _digest(record: Any) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[Path]:
    """A folder to write to, which takes its name when all is written, and is gone when that fails."""
    temporary = folder.with_name(f"{_TEMPORARY}{os.getpid()}-{folder.name}")
    replaced = folder.with_name(f"{temporary.name}-old")
    try:
        folder.parent.mkdir(exist_ok=True)
        _remove_abandoned(folder.parent)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        yield temporary
        for name in (_IDS, _RECORD):
            sync(temporary / name, os.O_RDWR)
        if folder.exists():  # of files as they were; or another process was as busy
            folder.rename(replaced)
        temporary.rename(folder)
        if os.name != "nt":  # Windows cannot open a folder
            sync(folder.parent, os.O_RDONLY)
    except OSError as error:
        if isinstance(error, CorpusError):
            raise
        raise CorpusError(
            f"The ids of the text cannot be written to {str(folder.parent)!r} ({error.strerror}): its folder "
            "needs two to four bytes a character; free some space, or put the text where you may write."
        ) from error
    finally:
        for left in (temporary, replaced):
            shutil.rmtree(left, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()  # if nothing is in it


def _remove_abandoned(parent: Path) -> None:
    """Delete what processes that were killed have left behind."""
    for left in parent.glob(f"{_TEMPORARY}*"):
        newest = max((path.stat().st_mtime for path in (left, *left.glob("*"))), default=0)
        if time.time() - newest > _ABANDONED_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
