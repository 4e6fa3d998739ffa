"""`SongDraft`: the song of a session, whose lines are a person's or a model's, and which no exit loses."""

import dataclasses
import datetime
from pathlib import Path
from typing import Literal

from lyric_lm.runs.atomic_files import write_atomically


@dataclasses.dataclass(frozen=True)
class DraftLine:
    """A line without its end."""

    text: str
    by: Literal["you", "model"]
    locked: bool = False  # whether it must not be written anew


class SongDraft:
    """The lines so far; each change is on the disk before the next one, until the song is saved.

    Args:
        folder: where a file for each unsaved song is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._states: list[tuple[DraftLine, ...]] = [()]
        self._saved: dict[Path, str] = {}  # what of this song stands at the end of a file
        self._file: Path | None = None

    @property
    def lines(self) -> tuple[DraftLine, ...]:
        """The lines as they are now."""
        return self._states[-1]

    @property
    def text(self) -> str:
        """The lines, each with a newline."""
        return "".join(f"{line.text}\n" for line in self.lines)

    def change(self, lines: tuple[DraftLine, ...]) -> None:
        """Put other lines in place of the present ones; `undo` brings those back.

        Raises:
            RunWriteError: the unsaved song cannot be written.
        """
        self._states.append(lines)
        self._keep()

    def undo(self) -> None:
        """Take back the last change; none is left after the first.

        Raises:
            RunWriteError: as `change`.
        """
        if len(self._states) > 1:
            self._states.pop()
            self._keep()

    def begin(self) -> Path | None:
        """Begin another song.

        Returns:
            Where the old one is kept; None where it was saved, or empty.
        """
        kept = self._file
        self._states, self._saved, self._file = [()], {}, None
        return kept

    def save(self, path: Path) -> bool:
        """Put the song at the end of a file; in place of what was saved of it there before.

        Returns:
            Whether there was anything to write.

        Raises:
            OSError: the file cannot be written.
        """
        entry = f"{self.text}\n"
        path = path.absolute()
        before = self._saved.get(path)
        if not self.lines or before == entry:
            return False
        content = path.read_text(encoding="utf-8") if path.exists() else ""
        if before is not None:
            content = content.removesuffix(before)
        write_atomically(path, lambda temporary: temporary.write_text(content + entry, encoding="utf-8"))
        self._saved[path] = entry
        self._forget()
        return True

    @property
    def kept_in(self) -> Path | None:
        """The file that holds what is not saved; None where all is."""
        return self._file

    def _keep(self) -> None:
        if not self.lines or f"{self.text}\n" in self._saved.values():
            self._forget()
            return
        if self._file is None:
            self._folder.mkdir(exist_ok=True)
            self._file = self._folder / f"{datetime.datetime.now():%Y%m%d-%H%M%S-%f}.txt"
        text = self.text
        write_atomically(self._file, lambda temporary: temporary.write_text(text, encoding="utf-8"))

    def _forget(self) -> None:
        if self._file is not None:
            self._file.unlink(missing_ok=True)
            self._file = None
