"""A run folder: what a training leaves behind, each file complete or absent."""

import json
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import filelock

from lyric_lm.errors import RunError, RunExistsError
from lyric_lm.runs.atomic_files import clear_write_errors, remove_leftovers, write_atomically
from lyric_lm.runs.folder_lock import holds_files, lock_folder
from lyric_lm.runs.history import History
from lyric_lm.runs.record import check_record, settings_of
from lyric_lm.settings.config import TrainConfig

CONFIG, MODEL, HISTORY, SAMPLES, CARD, TEXTS = (
    "config.json",
    "model.keras",
    "history.csv",
    "samples.txt",
    "README.md",
    "texts.json.gz",
)

_CHECKPOINTS, _TENSORBOARD = "checkpoints", "tensorboard"
_MAX_CONFIG_BYTES = 2**20  # a real one has 2 kB


class Run:
    """The files of one training.

    `create` and `resume` lock the folder until `close`, the end of a `with` or of the process.

    Args:
        path: the folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / _CHECKPOINTS
        self.tensorboard = self.path / _TENSORBOARD  # its logs
        self._lock: filelock.AcquireReturnProxy[filelock.FileLock] | None = None

    @classmethod
    def create(cls, path: str | os.PathLike[str], record: dict[str, Any], *, overwrite: bool = False) -> Self:
        """Make a folder for a new run, lock it and write its config.json.

        Args:
            path: a folder that does not exist, is empty, or (with `overwrite`) holds a run.
            record: what `describe_run` made.
            overwrite: whether to delete the run that the folder holds.

        Raises:
            RunExistsError: the folder holds a run, or files that are not a run's.
            RunLockedError: another training or search is at work in it.
            RunWriteError: the folder cannot be made or written.
        """
        run = cls(path)
        run._refuse_other_files(overwrite)
        run._lock = lock_folder(run.path)
        try:
            run._refuse_other_files(overwrite)  # another training may have been quicker
            run._clear()
            run.write_record(record)
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """An existing run, to read from.

        Raises:
            RunError: the folder holds no run.
        """
        run = cls(path)
        if not (run.path / CONFIG).is_file():
            raise RunError(f"{run.path} holds no run: name the folder that `lyric-lm train` printed.")
        return run

    @classmethod
    def resume(cls, path: str | os.PathLike[str]) -> Self:
        """An existing run, locked, to go on with.

        Raises:
            RunError: the folder holds no run.
            RunLockedError: another training or search is at work in it.
            RunWriteError: the folder cannot be written.
        """
        run = cls.open(path)
        run._lock = lock_folder(run.path)
        remove_leftovers(run.path)
        if run.checkpoints.is_dir():
            remove_leftovers(run.checkpoints)
        return run

    @property
    def begins_again(self) -> bool:
        """Whether a resume finds no checkpoint to go on from."""
        return not any(self.checkpoints.glob("epoch-*.ckpt"))

    def close(self) -> None:
        """Unlock the folder."""
        if self._lock is not None:
            self._lock.lock.release(force=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def record(self) -> dict[str, Any]:
        """What config.json holds; see `describe_run`.

        Raises:
            RunError: it cannot be read, or is of a later version.
        """
        path = self.path / CONFIG
        try:
            if path.stat().st_size > _MAX_CONFIG_BYTES:
                raise ValueError("too large")
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, RecursionError, ValueError) as error:
            raise RunError(f"Cannot read {path} ({error!s:.120}): train the run again.") from error
        return check_record(record, str(path))

    def write_record(self, record: dict[str, Any]) -> None:
        """Write config.json; a run that goes on may have been given more epochs, or newer packages."""
        self.write(CONFIG, json.dumps(record, ensure_ascii=False, indent=2) + "\n")

    def settings(self) -> TrainConfig:
        """The settings of the training.

        Raises:
            RunError: config.json cannot be read, or holds none.
        """
        return settings_of(self.record(), str(self.path / CONFIG))

    def write(self, name: str, text: str) -> None:
        """Write a text file, whole or not at all.

        Raises:
            RunWriteError: it cannot be written.
        """
        # Half a surrogate pair has no UTF-8, and Windows would turn each line's end into two characters.
        content = text.encode("utf-8", "backslashreplace")
        write_atomically(self.path / name, lambda path: path.write_bytes(content))

    def write_history(self, history: History) -> None:
        """Write history.csv."""
        self.write(HISTORY, history.to_csv())

    def history(self) -> History:
        """The figures of the epochs so far; of none where there is no history.csv yet.

        Raises:
            RunError: history.csv cannot be read, or is damaged.
        """
        path = self.path / HISTORY
        try:
            return History.from_csv(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return History([])
        except (OSError, ValueError) as error:
            raise RunError(f"Cannot read {path} ({error!s:.120}): train the run again.") from error

    def save_model(self, model: Any) -> None:
        """Save the model, its vocabulary and its optimizer, whole or not at all."""
        write_atomically(self.path / MODEL, model.save)

    def load_model(self) -> Any:
        """The trained model; the file is checked before Keras opens it, and no code in it is ever run.

        Raises:
            RunError: there is none yet, or the file is damaged or holds something else.
        """
        from lyric_lm.runs.model_file import load_model_file

        path = self.path / MODEL
        if not path.is_file():
            raise RunError(
                f"{self.path} holds no trained model yet: "
                f"finish its training with lyric-lm train --resume --run-dir {self.path}"
            )
        return load_model_file(path)

    def _refuse_other_files(self, overwrite: bool) -> None:
        if not holds_files(self.path):
            return
        if not (self.path / CONFIG).exists():
            raise RunExistsError(f"{self.path} holds files that are not a run's: choose another --run-dir.")
        if not overwrite:
            raise RunExistsError(
                f"{self.path} already holds a run: go on with it (--resume), choose another --run-dir, or "
                "replace it (--overwrite)."
            )

    def _clear(self) -> None:
        """Delete a run's files, and nothing else; config.json last, as without it this is no run's folder."""
        with clear_write_errors(self.path):
            for path in self.checkpoints.glob("epoch-*.ckpt"):
                path.unlink(missing_ok=True)
            # Else the old run's curves would go on in the charts of the new one.
            shutil.rmtree(self.tensorboard, ignore_errors=True)
            for name in (MODEL, HISTORY, SAMPLES, CARD, TEXTS, CONFIG):
                (self.path / name).unlink(missing_ok=True)
        remove_leftovers(self.path)
