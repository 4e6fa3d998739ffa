"""`RunCurves`: what `lyric-lm plot` draws of a run."""

import dataclasses
import re
from pathlib import Path
from typing import Self

from lyric_lm.errors import RunError
from lyric_lm.runs.history import History
from lyric_lm.runs.run import SAMPLES, Run

_REPORT = re.compile(r"epoch \d+, perplexity ")


@dataclasses.dataclass(frozen=True)
class RunCurves:
    """The history and the last samples of a run."""

    name: str  # of the folder
    clipping_theta: float  # largest global L2 norm of the gradients
    history: History
    samples: list[str]  # of the last report; empty where there was none

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
        return cls(path.resolve().name, theta, history, _read_samples(path / SAMPLES))


def _read_samples(path: Path) -> list[str]:
    """The samples under the last report's line, each of which may hold line breaks."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []
    starts = [i for i, line in enumerate(lines) if _REPORT.match(line)]
    last = "\n".join(lines[starts[-1] + 1 :]).rstrip("\n") if starts else ""
    return [sample for sample in re.split(r"(?:^|\n) - ", last) if sample]
