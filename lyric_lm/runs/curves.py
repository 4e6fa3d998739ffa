"""`RunCurves`: what a run folder remembers of its training, to draw it."""

import csv
import dataclasses
import math
import re
from pathlib import Path
from typing import Self

from lyric_lm.errors import RunError
from lyric_lm.runs.run import HISTORY, SAMPLES, Run

_REPORT = re.compile(r"epoch \d+, perplexity ")


@dataclasses.dataclass(frozen=True)
class RunCurves:
    """The history and the last samples of a run."""

    name: str  # of the folder
    clipping_theta: float  # largest global L2 norm of the gradients
    epochs: list[int]  # counted from 1
    columns: dict[str, list[float]]  # by the names of the logs, a value an epoch; NaN where one is missing
    samples: list[str]  # of the last report; empty where there was none

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read them from a run folder.

        Raises:
            RunError: the folder holds no run, or no epoch of it yet, or its history is damaged.
        """
        run = Run.open(path)
        theta = run.settings().optimizer.clipping_theta
        rows = _read_history(path / HISTORY)
        names = [name for name in rows[0] if name != "epoch"]
        columns = {name: [row[name] for row in rows] for name in names}
        epochs = [int(row["epoch"]) for row in rows]
        return cls(path.resolve().name, theta, epochs, columns, _read_samples(path / SAMPLES))

    def column(self, name: str) -> list[float]:
        """The values of a log, a value an epoch; empty where the run has none."""
        return self.columns.get(name, [])

    def best(self, name: str) -> tuple[float, int] | None:
        """The smallest value of a log and its epoch; None where the run has none."""
        values = [(value, epoch) for value, epoch in zip(self.column(name), self.epochs, strict=False)]
        return min((pair for pair in values if math.isfinite(pair[0])), default=None)


def _read_history(path: Path) -> list[dict[str, float]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [
                {name: float(value) if value else math.nan for name, value in row.items()}
                for row in csv.DictReader(file, strict=True)
            ]
        if any(not {"epoch", "perplexity"} <= set(row) or math.isnan(row["epoch"]) for row in rows):
            raise ValueError("a row without epoch or perplexity")
    except FileNotFoundError:
        rows = []
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise RunError(f"Cannot read {path} ({error!s:.120}): train the run again.") from error
    if not rows:
        raise RunError(
            f"{path.parent} holds no history of a training yet: wait for its first epoch, or go on with it: "
            f"lyric-lm train --resume --run-dir {path.parent}"
        )
    return rows


def _read_samples(path: Path) -> list[str]:
    """The samples under the last report's line, each of which may hold line breaks."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []
    starts = [i for i, line in enumerate(lines) if _REPORT.match(line)]
    last = "\n".join(lines[starts[-1] + 1 :]).rstrip("\n") if starts else ""
    return [sample for sample in re.split(r"(?:^|\n) - ", last) if sample]
