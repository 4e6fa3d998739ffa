"""`retrain`: is the winner good, or was its seed?"""

import contextlib
import math
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path

from lyric_lm.callbacks.epoch_progress import Watch, unwatched
from lyric_lm.errors import RunError
from lyric_lm.runs.record import describe_run
from lyric_lm.runs.run import Run
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import TrainConfig
from lyric_lm.training import Texts, load_texts, train


def retrain(
    config: TrainConfig,
    times: int,
    *,
    objective: str,
    folder: Path,
    write: Callable[[str], object] = print,
    watch: Watch = unwatched,
) -> dict[int, float]:
    """Train with the same settings and other seeds, each as a run of its own that goes on where it was.

    Args:
        config: the settings; the seeds that follow its own are taken, since the search chose with that one.
        times: trainings, >= 1.
        objective: the metric whose least value of an epoch counts.
        folder: where the runs go, `seed-<seed>` each.
        write: called with a line for each training.
        watch: called with each training's name and epochs, for callbacks that only look on.

    Returns:
        For each seed the least value; infinite where there is none.
    """
    folder.mkdir(exist_ok=True)
    texts = load_texts(config)
    values = {}
    for i in range(times):
        seed = (config.optimizer.seed + 1 + i) % 2**32
        with _run(folder / f"seed-{seed}", with_settings(config, {"seed": seed}), texts) as run:
            watching = watch(f"seed {seed}", config.optimizer.epochs)
            best = train(run.settings(), texts=texts, run=run, callbacks=watching).best(objective)
        values[seed] = math.inf if best is None else best[0]
        write(f"seed {seed}  {objective} {values[seed]:.4g}")
    return values


def mean_and_deviation(objective: str, values: Mapping[int, float]) -> str:
    """What `retrain` found, in words: the mean and the sample standard deviation.

    >>> mean_and_deviation("perplexity", {1: 1.5, 2: 2.5})
    'perplexity 2 ± 0.7071 over 2 seeds (1.5, 2.5)'
    """
    each = ", ".join(f"{value:.4g}" for value in values.values())
    if len(values) == 1:
        return f"{objective} {each} with one seed"
    if not all(map(math.isfinite, values.values())):
        return f"{objective} {each} with {len(values)} seeds: not all of them converge"
    mean, deviation = statistics.fmean(values.values()), statistics.stdev(values.values())
    return f"{objective} {mean:.4g} ± {deviation:.4g} over {len(values)} seeds ({each})"


def _run(folder: Path, config: TrainConfig, texts: Texts) -> Run:
    """The run that the folder holds, if it is one with these settings; else a new one."""
    with contextlib.suppress(RunError):
        if Run.open(folder).settings() == config:
            return Run.resume(folder)
    return Run.create(folder, describe_run(config, texts.training, texts.validation), overwrite=True)
