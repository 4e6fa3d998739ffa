"""`TrialRecords`: what each trial leaves on the disk, and what the others may read of it."""

import dataclasses
import shutil
import traceback
from pathlib import Path
from typing import Any

from lyric_lm.callbacks.dashboard.events import text, write_events
from lyric_lm.callbacks.dashboard.hparams import session_failure
from lyric_lm.callbacks.dashboard.samples import code_block
from lyric_lm.runs.folder_lock import LOCK
from lyric_lm.runs.json_files import read_json, write_json
from lyric_lm.runs.run import CARD, MODEL, Run
from lyric_lm.settings.config import TrainConfig

RESULT, ERROR = "result.json", "error.txt"
_COPY = ".tmp-best"  # which is a leftover if a copy is interrupted


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


def trial_number(trial_id: str) -> int:
    """A trial's number, counted from 1: the name of its folder, and what it is called wherever it is shown.

    >>> trial_number("07")
    8
    """
    return int(trial_id) + 1


class TrialRecords:
    """The folder `trials/` of a search: a run for each trial's number, with result.json once it has ended.

    Args:
        path: that folder.
        objective: name of the metric to minimise.
    """

    def __init__(self, path: Path, objective: str) -> None:
        self.path = path
        self._objective = objective
        self._ended: dict[int, list[float]] = {}  # values that will not grow

    def folder(self, number: int) -> Path:
        """Where a trial is kept."""
        return self.path / str(number)

    def begin(self, number: int, record: dict[str, Any], *, after: int | None = None) -> Run:
        """A new run folder, locked; what an earlier attempt at the trial left is gone.

        Args:
            number: the trial's.
            record: what `describe_run` made.
            after: the trial that it goes on from, if any, whose checkpoints it gets.
        """
        shutil.rmtree(self.folder(number), ignore_errors=True)
        self._ended.pop(number, None)
        run = Run.create(self.folder(number), record)
        if after is not None and (earlier := Run(self.folder(after))).checkpoints.is_dir():
            shutil.copytree(earlier.checkpoints, run.checkpoints)  # there is none where it diverged at once
        return run

    def end(self, number: int, result: TrialResult) -> None:
        """Write down how a trial ended."""
        write_json(self.folder(number) / RESULT, dataclasses.asdict(result))

    def fail(self, number: int, error: Exception) -> None:
        """Write down why a trial failed, perhaps before it had settings, and show it on its dashboards."""
        folder, trace = self.folder(number), "".join(traceback.format_exception(error))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ERROR).write_text(trace, encoding="utf-8")
        last_line = " ".join("".join(traceback.format_exception_only(error)).split())
        self.end(number, TrialResult("failed", error=last_line))
        step = len(Run(folder).history()) + 1
        shown = [text("error", code_block(trace)), session_failure()]
        write_events(Run(folder).tensorboard, step, shown)

    def result(self, number: int) -> TrialResult | None:
        """How a trial ended; None if it has not."""
        content = read_json(self.folder(number) / RESULT)
        return None if content is None else TrialResult(**content)

    def results(self) -> dict[int, TrialResult]:
        """All trials that have ended, in the order of their numbers."""
        return {number: result for number in self._numbers() if (result := self.result(number))}

    def config(self, number: int) -> TrainConfig:
        """A trial's settings."""
        return Run.open(self.folder(number)).settings()

    def best(self) -> int | None:
        """The trial of the least score; None if none has one."""
        scores = {i: r.score for i, r in self.results().items() if r.score is not None and r.best is not None}
        return min(scores, key=scores.__getitem__, default=None)

    def values(self, number: int) -> list[float]:
        """The objective after each epoch of a trial so far, in whichever process it runs or ran."""
        if number in self._ended:
            return self._ended[number]
        over = (self.folder(number) / RESULT).exists()
        values = Run(self.folder(number)).history().column(self._objective)
        if over:
            self._ended[number] = values
        return values

    def other_values(self, number: int) -> list[list[float]]:
        """The objective after each epoch of every other trial."""
        return [self.values(other) for other in self._numbers() if other != number]

    def drop_losers(self, *, checkpoints: bool) -> None:
        """Delete the models of all trials but the best one, and their checkpoints if asked to."""
        best = self.best()
        for run in [Run(self.folder(number)) for number in self.results() if number != best]:
            (run.path / MODEL).unlink(missing_ok=True)
            if checkpoints:
                shutil.rmtree(run.checkpoints, ignore_errors=True)

    def copy_best(self, target: Path) -> None:
        """Make a folder a copy of the best trial's run, unless it is one that has been trained further."""
        best = self.best()
        if best is None or _is_further(target, self.folder(best)):
            return
        temporary = target.with_name(_COPY)
        shutil.rmtree(temporary, ignore_errors=True)
        ignored = shutil.ignore_patterns(LOCK, RESULT, ERROR, ".tmp-*")
        shutil.copytree(self.folder(best), temporary, ignore=ignored)
        card = (temporary / CARD).read_text(encoding="utf-8")
        Run(temporary).write(CARD, card.replace(str(self.folder(best)), str(target)))
        shutil.rmtree(target, ignore_errors=True)
        temporary.replace(target)

    def _numbers(self) -> list[int]:
        folders = self.path.iterdir() if self.path.is_dir() else ()
        return sorted(int(folder.name) for folder in folders if folder.name.isdecimal())


def _is_further(folder: Path, trial: Path) -> bool:
    """Whether a folder holds a trial's run with more epochs."""
    there, here = (Run(path).history().column("perplexity") for path in (folder, trial))
    return len(there) > len(here) and there[: len(here)] == here
