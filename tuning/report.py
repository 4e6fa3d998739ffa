"""What a search says of its trials: a line each, and a table at the end."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from lyric_lm.callbacks.epoch_progress import Watch, unwatched
from lyric_lm.display.trial_picture import TrialPoint, draw_trials
from lyric_lm.settings.flags import train_command
from lyric_lm.tuning.retrain import mean_and_deviation, retrain
from lyric_lm.tuning.trial_records import TrialResult, trial_number
from lyric_lm.tuning.tuner import RNNTuner

PICTURE = "perplexity.png"


def found_so_far(tuner: RNNTuner) -> str:
    """What a search that goes on has found; empty for one that begins."""
    results, best = tuner.records.results(), tuner.records.best()
    if not results:
        return ""
    done = f"Going on after {len(results)} {'trial' if len(results) == 1 else 'trials'}"
    if best is None:
        return f"{done}, none of them with a score."
    values = _settings_text(_varied(tuner)[best])
    return f"{done}; the best so far: trial {best}  {values}  {results[best].best:.4g}"


def trial_line(tuner: RNNTuner, trial: Any, total: int | None) -> str:
    """One line of at most 80 columns, where two or three settings vary, for a trial that has ended."""
    number = trial_number(trial.trial_id)
    result = tuner.records.result(number) or TrialResult("failed")
    count = f"{number}/{total}" if total else str(number)
    values = _settings_text(tuner.hypermodel.varied(trial.hyperparameters))
    if result.state == "failed":
        return f"{count}  {values}  failed: {result.error}"
    outcome = "no number" if result.best is None else f"{result.best:.4g}"
    after = "" if result.state == "finished" else f" ({result.state} at {result.epochs})"
    return f"{count}  {values}  {outcome}{after}  {result.seconds:.1f} s"


def trial_table(tuner: RNNTuner, num_trials: int | None = None) -> Table:
    """The trials, the best first.

    Args:
        tuner: whose trials.
        num_trials: how many of the best; None for all.
    """
    results, varied = tuner.records.results(), _varied(tuner)
    numbers = sorted(results.keys() & varied, key=lambda i: (results[i].score is None, results[i].score, i))
    names = list(dict.fromkeys(name for number in numbers for name in varied[number]))
    title = f"Trials by best {tuner.objective}"
    table = Table(title=title, box=box.SIMPLE, title_justify="left", pad_edge=False)
    for heading in ("trial", *names, "best", "last", "epochs"):
        table.add_column(heading.replace("_", " "), justify="right", overflow="fold")
    table.add_column("end")
    for number in numbers[:num_trials]:
        result, values = results[number], varied[number]
        cells = [_value_text(values[name]) if name in values else "" for name in names]
        figures = map(_figure_text, (result.best, result.last))
        table.add_row(str(number), *cells, *figures, str(result.epochs), result.state)
    return table


def draw_picture(tuner: RNNTuner) -> None:
    """Leave a picture of all trials that have a score."""
    varied = _varied(tuner)
    points = [
        TrialPoint(number, varied[number], result.score, result.state)
        for number, result in tuner.records.results().items()
        if result.score is not None and number in varied
    ]
    draw_trials(points, tuner.run_dir / PICTURE, metric=tuner.objective)


def conclusion(
    tuner: RNNTuner, retrain_times: int, *, write: Callable[[str], object], watch: Watch = unwatched
) -> None:
    """Print the table, the winner's command line, how it does with other seeds, and what is where.

    Args:
        tuner: of a search that has ended.
        retrain_times: trainings of the winner with other seeds; 0 for none.
        write: called with each line.
        watch: called with each of these trainings' name and epochs, for callbacks that only look on.
    """
    Console().print(trial_table(tuner))
    best, objective = tuner.records.best(), tuner.objective
    if best is None:
        write("No trial has a model. Lower the learning rates or --clipping-theta.")
        return
    config, folder = tuner.records.config(best), tuner.run_dir
    result, values = tuner.records.results()[best], _settings_text(_varied(tuner)[best])
    write(f"Best: trial {best}  {values}  {objective} {result.best:.6g} at epoch {result.best_epoch}")
    if retrain_times:
        seeds = folder / "retrained"
        values_of_seeds = retrain(
            config, retrain_times, objective=objective, folder=seeds, write=write, watch=watch
        )
        write(f"Retrained: {mean_and_deviation(objective, values_of_seeds)}")
    name = shlex.quote(str(folder))
    write(f"Train it anew: {train_command(config, run_dir='runs/tuned')}")
    write(f"Write with it: lyric-lm generate --run-dir {shlex.quote(str(folder / 'best'))}")
    write(
        f"See all trials: tensorboard --logdir {shlex.quote(str(folder / 'trials'))}, and {folder / PICTURE}"
    )
    size, models = _megabytes(folder), _megabytes(folder / "best")
    write(f"Disk: {size:.1f} MB in {name}, {models:.1f} MB of them the best run.")


def _varied(tuner: RNNTuner) -> dict[int, dict[str, Any]]:
    """For each trial's number what tells it from the others."""
    trials = tuner.oracle.trials.items()
    return {trial_number(i): tuner.hypermodel.varied(trial.hyperparameters) for i, trial in trials}


def _settings_text(values: dict[str, Any]) -> str:
    """Settings as a line shows them; a word needs no name.

    >>> _settings_text({"learning_rate": 31.6227766, "hidden_size": 256, "cell": "gru"})
    'learning_rate=31.6 hidden_size=256 gru'
    """
    return " ".join(
        value if isinstance(value, str) else f"{name}={_value_text(value)}" for name, value in values.items()
    )


def _value_text(value: Any) -> str:
    """A setting's value, to three digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _figure_text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}" if value < 1e4 else f"{value:.0e}"


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
