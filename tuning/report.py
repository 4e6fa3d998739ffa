"""What a search says of its trials: a line each, and a table at the end."""

import shlex
from collections.abc import Callable
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from lyric_lm.tuning.flags import train_command
from lyric_lm.tuning.picture import PICTURE
from lyric_lm.tuning.retrain import retrain
from lyric_lm.tuning.trial_records import TrialResult, disk_bytes, settings_of, value_text
from lyric_lm.tuning.tuner import RNNTuner


def trial_line(tuner: RNNTuner, trial: Any, total: int | None) -> str:
    """One line of at most 80 columns, where two or three settings vary, for a trial that has ended."""
    result = tuner.records.result(trial.trial_id) or TrialResult("failed")
    number = int(trial.trial_id) + 1
    count = f"{number}/{total}" if total else str(number)
    values = settings_of(tuner.hypermodel.varied(trial.hyperparameters))
    if result.state == "failed":
        return f"{count}  {values}  failed: {result.error}"
    outcome = "no number" if result.best is None else f"{result.best:.4g}"
    after = "" if result.state == "finished" else f" ({result.state} at {result.epochs})"
    return f"{count}  {values}  {outcome}{after}  {result.seconds:.1f} s"


def trial_table(tuner: RNNTuner) -> Table:
    """All trials, the best first."""
    objective = tuner.oracle.objective.name
    table = Table(title=f"Trials by best {objective}", box=box.SIMPLE, title_justify="left", pad_edge=False)
    rows = _rows(tuner)
    names = list(dict.fromkeys(name for values, _, _ in rows for name in values))
    table.add_column("trial", justify="right")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right", overflow="fold")
    for heading in ("best", "last", "epochs"):
        table.add_column(heading, justify="right")
    table.add_column("end")
    for values, trial_id, result in rows:
        cells = [value_text(values[name]) if name in values else "" for name in names]
        figures = [
            "-" if v is None else f"{v:.4g}" if v < 1e4 else f"{v:.0e}" for v in (result.best, result.last)
        ]
        table.add_row(str(int(trial_id) + 1), *cells, *figures, str(result.epochs), result.state)
    return table


def _rows(tuner: RNNTuner) -> list[tuple[dict[str, Any], str, TrialResult]]:
    results = tuner.records.results()
    rows = [
        (tuner.hypermodel.varied(tuner.oracle.trials[trial_id].hyperparameters), trial_id, result)
        for trial_id, result in results.items()
        if trial_id in tuner.oracle.trials
    ]
    return sorted(rows, key=lambda row: (row[2].score is None, row[2].score))


def conclusion(tuner: RNNTuner, retrain_times: int, *, write: Callable[[str], object]) -> None:
    """Print the table, the winner's command line, how it does with other seeds, and what is where.

    Args:
        tuner: of a search that has ended.
        retrain_times: trainings of the winner with other seeds; 0 for none.
        write: called with each line.
    """
    Console().print(trial_table(tuner))
    best, objective = tuner.records.best(), tuner.oracle.objective.name
    if best is None:
        write("No trial has a model. Lower the learning rates or --clipping-theta.")
        return
    config, folder = tuner.records.config(best), tuner.run_dir
    result = tuner.records.results()[best]
    values = settings_of(tuner.hypermodel.varied(tuner.oracle.trials[best].hyperparameters))
    write(
        f"Best: trial {int(best) + 1}  {values}  {objective} {result.best:.6g} at epoch {result.best_epoch}"
    )
    if retrain_times:
        seeds = folder / "retrained"
        retrained = retrain(config, retrain_times, objective=objective, folder=seeds, write=write)
        write(f"Retrained: {retrained.sentence()}")
    name = shlex.quote(str(folder))
    write(f"Train it anew: {train_command(config, run_dir='runs/tuned')}")
    write(f"Write with it: lyric-lm generate --run-dir {shlex.quote(str(folder / 'best'))}")
    write(
        f"See all trials: tensorboard --logdir {shlex.quote(str(folder / 'trials'))}, and {folder / PICTURE}"
    )
    size, models = disk_bytes(folder), disk_bytes(folder / "best")
    write(f"Disk: {size / 1e6:.1f} MB in {name}, {models / 1e6:.1f} MB of them the best run.")
