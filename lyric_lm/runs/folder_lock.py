"""`lock_folder`: one process at a time works in a run's or a search's folder."""

from pathlib import Path

import filelock

from lyric_lm.errors import RunExistsError, RunLockedError
from lyric_lm.runs.atomic_files import clear_write_errors, is_leftover

LOCK = ".lock"


def lock_folder(folder: Path) -> filelock.AcquireReturnProxy[filelock.FileLock]:
    """Make a folder, unless it is there, and lock it until the end of a `with`, or of the process.

    Raises:
        RunExistsError: it is a file.
        RunLockedError: another training or search is at work in it.
        RunWriteError: it cannot be made or written.
    """
    if folder.is_file():
        raise RunExistsError(f"{folder} is a file: choose a folder with --run-dir.")
    with clear_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    # A lock of the kernel's: it goes with the process that holds it, however that ends.
    with clear_write_errors(folder / LOCK):
        try:
            return filelock.FileLock(folder / LOCK, blocking=False).acquire()
        except filelock.Timeout:
            pass
    raise RunLockedError(
        f"Another training or search is at work in {folder}: wait for its end, or choose another --run-dir."
    )


def holds_files(folder: Path) -> bool:
    """Whether a folder holds anything but a lock and what killed writers left."""
    return folder.is_dir() and not all(f.name == LOCK or is_leftover(f) for f in folder.iterdir())
