"""A run folder: what a training leaves behind, each file complete or absent."""

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lyric_lm.errors import RunError, RunExistsError

CONFIG, MODEL, HISTORY, SAMPLES = "config.json", "model.keras", "history.csv", "samples.txt"


class Run:
    """The files of one training.

    Args:
        path: the folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @classmethod
    def create(
        cls, path: str | os.PathLike[str], config: dict[str, Any], *, overwrite: bool = False
    ) -> "Run":
        """Make a folder for a new run and write its config.json.

        Args:
            path: a folder that does not exist, is empty, or (with `overwrite`) holds a run.
            config: JSON-able settings.
            overwrite: whether to delete the run that the folder holds.

        Raises:
            RunExistsError: the folder holds a run, or files that are not a run's.
            RunError: the folder cannot be made or written.
        """
        run = cls(path)
        run._clear(overwrite)
        try:
            run.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"Cannot make the run folder {run.path} ({error.strerror}): choose another with --run-dir."
            ) from error
        run.write(CONFIG, json.dumps(config, ensure_ascii=False, indent=2) + "\n")
        return run

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Run":
        """An existing run.

        Raises:
            RunError: the folder holds no run, or no model yet.
        """
        run = cls(path)
        if not (run.path / CONFIG).is_file():
            raise RunError(f"{run.path} holds no run: name the folder that `lyric-lm train` printed.")
        return run

    def _clear(self, overwrite: bool) -> None:
        if self.path.is_file():
            raise RunExistsError(f"{self.path} is a file: choose a folder with --run-dir.")
        if not self.path.is_dir() or not any(self.path.iterdir()):
            return
        if not (self.path / CONFIG).exists():
            raise RunExistsError(f"{self.path} holds files that are not a run's: choose another --run-dir.")
        if not overwrite:
            raise RunExistsError(
                f"{self.path} already holds a run: choose another --run-dir, or replace it with --overwrite."
            )
        for name in (MODEL, HISTORY, SAMPLES, CONFIG):
            (self.path / name).unlink(missing_ok=True)

    def config(self) -> dict[str, Any]:
        """What config.json holds."""
        try:
            return json.loads((self.path / CONFIG).read_text(encoding="utf-8"))  # type: ignore[no-any-return]
        except (OSError, ValueError) as error:
            raise RunError(f"Cannot read {self.path / CONFIG} ({error}): train the run again.") from error

    def write(self, name: str, text: str) -> None:
        """Write a text file, whole or not at all."""
        self._write(name, lambda path: path.write_text(text, encoding="utf-8"))

    def write_history(self, epochs: list[dict[str, float]]) -> None:
        """Write history.csv: a row an epoch, counted from 1."""
        names = ["epoch", *dict.fromkeys(name for epoch in epochs for name in epoch)]
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({"epoch": i + 1, **logs} for i, logs in enumerate(epochs))
        self.write(HISTORY, text.getvalue())

    def save_model(self, model: Any) -> None:
        """Save the model, its vocabulary and its optimizer, whole or not at all."""
        self._write(MODEL, model.save)

    def load_model(self) -> Any:
        """The trained model.

        Raises:
            RunError: there is none yet, or the file is damaged.
        """
        import keras

        from lyric_lm.model import RNNModel

        path = self.path / MODEL
        if not path.is_file():
            raise RunError(f"{self.path} holds no trained model yet: its training did not finish an epoch.")
        try:
            model = keras.saving.load_model(path, safe_mode=True)
        except Exception as error:
            raise RunError(f"{path} cannot be loaded ({error}): train the run again.") from error
        if not isinstance(model, RNNModel):
            raise RunError(f"{path} holds a {type(model).__name__}, not an RNNModel: train the run again.")
        return model

    def _write(self, name: str, write_to: Callable[[Path], object]) -> None:
        """Let a function write a file beside the real one, then put it in place in one step."""
        try:
            temporary = self.path / f".{os.getpid()}-{name}"
            try:
                write_to(temporary)
                temporary.replace(self.path / name)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise RunError(
                f"Cannot write {self.path / name} ({error.strerror or error}): "
                "free some space or choose another --run-dir."
            ) from error
