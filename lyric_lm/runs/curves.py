"""`RunCurves`: what `lyric-lm plot` draws of a run."""

import dataclasses
import math
import re
from pathlib import Path
from typing import Any, Self

from lyric_lm.errors import RunError
from lyric_lm.runs.history import History
from lyric_lm.runs.json_files import read_json
from lyric_lm.runs.run import CONFIG, SAMPLES, Run
from lyric_lm.settings.changes import flat_settings

_REPORT = re.compile(r"epoch (\d+), perplexity ")
_TRIALS, _RESULT = "trials", "result.json"  # of a search
_MOST_TRIALS = 7  # drawn of a search, as many as there are colours


@dataclasses.dataclass(frozen=True)
class RunCurves:
    """The history and the last samples of a run."""

    name: str  # of the folder, or of the trial
    clipping_theta: float  # largest global L2 norm of the gradients
    history: History
    samples: list[str]  # of the last report; empty where there was none
    samples_epoch: int  # of that report, counted from 1; 0 where there was none
    settings: str = ""  # what tells a trial from the others of its search

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read them from a run folder.

        Raises:
            RunError: the folder holds no run, or no epoch of it yet, or its history is damaged.
        """
        run = Run.open(path)
        theta = run.settings().optimizer.clipping_theta
        history = run.history()
        if not history.rows:
            raise RunError(
                f"{run.path} holds no history of a training yet: wait for its first epoch, or go on with it: "
                f"lyric-lm train --resume --run-dir {run.path}"
            )
        return cls(path.resolve().name, theta, history, *_read_samples(path / SAMPLES))

    @classmethod
    def read_all(cls, path: Path) -> list[Self]:
        """Read those of a run, or of a search's seven best trials, the best one first and with its samples.

        Raises:
            RunError: the folder holds neither, or no epoch of it yet, or a history is damaged.
        """
        if (path / CONFIG).is_file() or not (path / _TRIALS).is_dir():
            return [cls.read(path)]
        settings = {trial: flat_settings(Run.open(trial).settings()) for trial in _begun_trials(path)}
        if not settings:
            raise RunError(f"{path} holds no epoch of a trial yet: wait for the first one.")
        kinds = {
            name: {str(values[name]) for values in settings.values()}
            for name in next(iter(settings.values()))
        }
        varied = [name for name, found in kinds.items() if len(found) > 1]
        trials: list[Self] = []
        for trial in sorted(settings, key=lambda trial: (_score(trial), len(trial.name), trial.name)):
            values = ", ".join(f"{name} {_shown(settings[trial][name])}" for name in varied)
            read = dataclasses.replace(cls.read(trial), name=f"trial {trial.name}", settings=values)
            trials.append(dataclasses.replace(read, samples=[]) if trials else read)
        return trials[:_MOST_TRIALS]


def _begun_trials(search: Path) -> list[Path]:
    """The folders of the trials that have an epoch."""
    trials = [config.parent for config in (search / _TRIALS).glob(f"*/{CONFIG}")]
    return [trial for trial in trials if Run(trial).history().rows]


def _score(folder: Path) -> float:
    """What a trial's search judges it by, the least the best; infinity where that is not known yet."""
    score = (read_json(folder / _RESULT) or {}).get("score")
    return math.inf if score is None else float(score)


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _read_samples(path: Path) -> tuple[list[str], int]:
    """The samples under the last report's line, each of which may hold line breaks, and its epoch."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return [], 0
    reports = [(i, int(found[1])) for i, line in enumerate(lines) if (found := _REPORT.match(line))]
    if not reports:
        return [], 0
    start, epoch = reports[-1]
    last = "\n".join(lines[start + 1 :]).rstrip("\n")
    return [sample for sample in re.split(r"(?:^|\n) - ", last) if sample], epoch
