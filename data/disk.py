"""What has been written reaches the disk before anybody builds on it."""

import os
from pathlib import Path


def sync(path: Path, flags: int) -> None:
    """Wait until a file, or a folder's names, are on the disk.

    Args:
        path: of the file or folder.
        flags: how to open it, as for `os.open`.
    """
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
