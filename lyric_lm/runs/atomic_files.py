"""Files that are complete or absent, whatever happens while they are written."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from lyric_lm.data.disk import sync
from lyric_lm.errors import RunWriteError

_TEMPORARY = ".tmp-"  # a file of this kind outlives its writer only if the writer was killed
_CURES = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.ENOENT: "its folder is gone; do not move or delete it meanwhile",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EACCES: "permission denied; change its permissions or choose another folder",
    errno.EPERM: "not permitted; change its permissions or choose another folder",
    errno.EFBIG: "larger than the limit for a file; raise it or choose another folder",
}


def write_atomically(path: Path, write_to: Callable[[Path], object]) -> None:
    """Let a function write a file beside the real one, then put it in place in one step.

    After a crash, a kill or a power cut the old content is there or the new one, never a part of either:
    the new file reaches the disk before it takes the name, and the name before this function returns.

    Args:
        path: the file to make or to replace, in a folder that exists.
        write_to: called with the path to write to, which ends as `path` does.

    Raises:
        RunWriteError: the file cannot be written; what `path` held is untouched.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.txt"
    ...     write_atomically(path, lambda temporary: temporary.write_text("whole"))
    ...     path.read_text()
    'whole'
    """
    temporary = path.with_name(f"{_TEMPORARY}{os.getpid()}-{path.name}")
    with clear_write_errors(path):
        try:
            write_to(temporary)
            sync(temporary, os.O_RDWR)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        if os.name != "nt":  # Windows cannot open a folder, and keeps its entries in order without
            sync(path.parent, os.O_RDONLY)


@contextlib.contextmanager
def clear_write_errors(path: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write `path` into one sentence."""
    try:
        yield
    except OSError as error:
        code = error.errno or _errno_in(str(error))
        problem = _CURES.get(code) or f"{error.strerror or error}; check the disk or choose another folder"
        raise RunWriteError(f"Cannot write {path}: {problem}.") from error


def remove_leftovers(folder: Path) -> None:
    """Delete a folder's temporary files of killed processes; no other process may be writing there."""
    for leftover in folder.glob(f"{_TEMPORARY}*"):
        with clear_write_errors(leftover):
            leftover.unlink(missing_ok=True)


def is_leftover(path: Path) -> bool:
    """Whether this is a temporary file of a killed process."""
    return path.name.startswith(_TEMPORARY)


def _errno_in(message: str) -> int:
    """The error number in an HDF5 error's message, or 0."""
    return next((code for code in _CURES if f"errno = {code}," in message), 0)
