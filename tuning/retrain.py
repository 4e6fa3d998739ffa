"""`retrain`: is the winner good, or was its seed?"""

import dataclasses
import math
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

from lyric_lm.runs.record import describe_run
from lyric_lm.runs.run import Run
from lyric_lm.settings.config import TrainConfig
from lyric_lm.training import load_texts, train
from lyric_lm.tuning.json_files import read_json, write_json
from lyric_lm.tuning.space import with_settings

_RESULT = "result.json"


@dataclasses.dataclass(frozen=True)
class Retrained:
    """The best objective of each retraining."""

    objective: str
    seeds: tuple[int, ...]
    values: tuple[float, ...]  # infinite where it diverged

    def sentence(self) -> str:
        """Mean and sample standard deviation.

        >>> Retrained("perplexity", (1, 2), (1.5, 2.5)).sentence()
        'perplexity 2 ± 0.7071 over 2 seeds (1.5, 2.5)'
        """
        each = ", ".join(f"{value:.4g}" for value in self.values)
        if len(self.values) == 1:
            return f"{self.objective} {each} with one seed"
        if not all(map(math.isfinite, self.values)):
            return f"{self.objective} {each} with {len(self.values)} seeds: not all of them converge"
        mean, deviation = statistics.fmean(self.values), statistics.stdev(self.values)
        return f"{self.objective} {mean:.4g} ± {deviation:.4g} over {len(self.values)} seeds ({each})"


def retrain(
    config: TrainConfig, times: int, *, objective: str, folder: Path, write: Callable[[str], object] = print
) -> Retrained:
    """Train with the same settings and other seeds, each as a run of its own; finished ones are kept.

    Args:
        config: the settings; the seeds that follow its own are taken, since the search chose with that one.
        times: trainings, >= 1.
        objective: the metric whose least value of an epoch counts.
        folder: where the runs go, `seed-<seed>` each.
        write: called with a line for each training.
    """
    seeds = tuple((config.optimizer.seed + 1 + i) % 2**32 for i in range(times))
    values = []
    for seed in seeds:
        value = _one(with_settings(config, {"seed": seed}), folder / f"seed-{seed}", objective)
        write(f"seed {seed}  {objective} {value:.4g}")
        values.append(value)
    return Retrained(objective, seeds, tuple(values))


def _one(config: TrainConfig, folder: Path, objective: str) -> float:
    done = read_json(folder / _RESULT)
    if done is not None and Run.open(folder).settings() == config:
        return float(done["value"])
    shutil.rmtree(folder, ignore_errors=True)
    texts = load_texts(config)
    with Run.create(folder, describe_run(config, texts.training, texts.validation)) as run:
        best = train(config, texts=texts, run=run).best(objective)
    value = math.inf if best is None else best[0]
    write_json(folder / _RESULT, {"value": value})
    return value
