"""A file is complete or absent, after a power cut too: what reaches the disk, and when."""

import os
from pathlib import Path
from typing import Any

import pytest

from lyric_lm.runs.atomic_files import write_atomically


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """What is asked of the system: `("fsync" or "replace", the file's inode, its size at that moment)`."""
    asked: list[tuple[str, int, int]] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        asked.append(("fsync", status.st_ino, status.st_size))
        fsync(descriptor)

    def noted_replace(self: Path, target: Any) -> Path:
        status = self.stat()
        asked.append(("replace", status.st_ino, status.st_size))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    return asked


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot open a folder, and needs no such call")
def test_the_content_is_on_disk_before_it_takes_the_name_and_the_name_before_the_end(
    tmp_path: Path, calls: list[tuple[str, int, int]]
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    write_atomically(path, lambda temporary: temporary.write_bytes(b"newer"))
    file, folder = path.stat().st_ino, tmp_path.stat().st_ino
    assert [call[:2] for call in calls] == [("fsync", file), ("replace", file), ("fsync", folder)]
    assert [size for _, inode, size in calls if inode == file] == [5, 5]  # all of it
    assert path.read_bytes() == b"newer"


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def half(temporary: Path) -> None:
        temporary.write_bytes(b"ne")
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        write_atomically(path, half)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.txt", b"old")]
