"""`TrialRecords`: what each trial leaves on the disk, and what the others may read of it."""

import csv
import dataclasses
import math
import shutil
from pathlib import Path
from typing import Any

from lyric_lm.runs.run import CONFIG, HISTORY, MODEL, Run
from lyric_lm.settings.config import TrainConfig
from lyric_lm.tuning.json_files import read_json, write_json

RESULT, ERROR = "result.json", "error.txt"


@dataclasses.dataclass(frozen=True)
class TrialResult:
    """How a trial ended; result.json in its folder."""

    state: str  # "finished", "pruned", "diverged" or "failed"
    score: float | None = None  # what the tuner is told, to be minimised; None where it failed
    best: float | None = None  # the least objective of an epoch
    best_epoch: int = 0  # counted from 1
    last: float | None = None  # the objective of the last epoch; None where it is no number
    epochs: int = 0  # done, those of an earlier trial that it went on from included
    seconds: float = 0.0  # from its start to its end
    error: str = ""  # the last line of the traceback


class TrialRecords:
    """The folder `trials/` of a search: for each trial a run folder, with result.json once it has ended.

    Args:
        path: that folder.
        objective: name of the metric to minimise.
    """

    def __init__(self, path: Path, objective: str) -> None:
        self.path = path
        self._objective = objective
        self._ended: dict[str, list[float]] = {}  # histories that will not grow

    def folder(self, trial_id: str) -> Path:
        """Where a trial is kept."""
        return self.path / trial_id

    def begin(self, trial_id: str, record: dict[str, Any]) -> Run:
        """A new run folder, locked; what an earlier attempt at the trial left is gone.

        Args:
            trial_id: the trial.
            record: what `describe_run` made.
        """
        shutil.rmtree(self.folder(trial_id), ignore_errors=True)
        self._ended.pop(trial_id, None)
        return Run.create(self.folder(trial_id), record)

    def end(self, trial_id: str, result: TrialResult) -> None:
        """Write down how it ended."""
        write_json(self.folder(trial_id) / RESULT, dataclasses.asdict(result))

    def fail(self, trial_id: str, traceback: str, result: TrialResult) -> None:
        """Write down why it failed, perhaps before it had settings."""
        self.folder(trial_id).mkdir(parents=True, exist_ok=True)
        (self.folder(trial_id) / ERROR).write_text(traceback, encoding="utf-8")
        self.end(trial_id, result)

    def result(self, trial_id: str) -> TrialResult | None:
        """How a trial ended; None if it has not."""
        content = read_json(self.folder(trial_id) / RESULT)
        return None if content is None else TrialResult(**content)

    def config(self, trial_id: str) -> TrainConfig:
        """A trial's settings."""
        return Run.open(self.folder(trial_id)).settings()

    def results(self) -> dict[str, TrialResult]:
        """All trials that have ended, in the order of their numbers."""
        ended = {trial_id: self.result(trial_id) for trial_id in self._trial_ids()}
        return {trial_id: result for trial_id, result in ended.items() if result is not None}

    def best(self) -> str | None:
        """The trial of the least score; None if none has one."""
        scored = {i: r.score for i, r in self.results().items() if r.score is not None and r.best is not None}
        return min(scored, key=lambda trial_id: scored[trial_id]) if scored else None

    def rows(self, trial_id: str) -> list[dict[str, float]]:
        """A trial's logs after each epoch so far."""
        path = self.folder(trial_id) / HISTORY
        if not path.is_file():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return [{k: float(v) for k, v in row.items() if k != "epoch"} for row in csv.DictReader(file)]

    def other_histories(self, trial_id: str) -> list[list[float]]:
        """The objective after each epoch of every other trial, in whichever process it runs or ran."""
        return [self._values(other) for other in self._trial_ids() if other != trial_id]

    def _values(self, trial_id: str) -> list[float]:
        if trial_id in self._ended:
            return self._ended[trial_id]
        over = (self.folder(trial_id) / RESULT).exists()
        values = [row.get(self._objective, math.nan) for row in self.rows(trial_id)]
        if over:
            self._ended[trial_id] = values
        return values

    def drop_losers(self) -> None:
        """Delete the models of all trials but the best one."""
        best = self.best()
        for trial_id in self.results():
            if trial_id != best:
                (self.folder(trial_id) / MODEL).unlink(missing_ok=True)

    def drop_states(self) -> None:
        """Delete what a further round of trials would go on from."""
        for trial_id in self.results():
            (self.folder(trial_id) / LAST).unlink(missing_ok=True)

    def _trial_ids(self) -> list[str]:
        if not self.path.is_dir():
            return []
        return sorted((f.name for f in self.path.iterdir() if f.name.isdecimal()), key=int)


LAST = "last.npz"
"""Weights and optimizer state after a trial's last epoch, for Hyperband to go on from."""


def copy_run(source: Path, target: Path) -> None:
    """Copy a trial's run to a folder that holds nothing else, the model last but for what names the run."""
    shutil.rmtree(target, ignore_errors=True)
    files = [f for f in source.iterdir() if f.is_file() and f.suffix in (".json", ".csv", ".txt", ".keras")]
    target.mkdir(parents=True)
    for file in sorted(files, key=lambda file: file.name == CONFIG):
        if file.name not in (RESULT, ERROR):
            shutil.copy2(file, target / file.name)


def disk_bytes(path: Path) -> int:
    """Bytes of all files in a folder and those in it."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def settings_of(values: Any) -> str:
    """Settings as a line shows them; a word needs no name.

    >>> settings_of({"learning_rate": 31.6227766, "hidden_size": 256, "cell": "gru"})
    'learning_rate=31.6 hidden_size=256 gru'
    """
    return " ".join(
        value if isinstance(value, str) else f"{name}={value_text(value)}" for name, value in values.items()
    )


def value_text(value: Any) -> str:
    """A setting's value, to three digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
