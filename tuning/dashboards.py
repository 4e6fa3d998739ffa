"""What TensorBoard shows of a search: HParams, curves, samples and errors."""

from pathlib import Path
from typing import Any

import keras_tuner as kt
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams_api
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.summary import session_end_pb

from lyric_lm.tuning.space import RATE_OF_OPTIMIZER
from lyric_lm.tuning.trial_records import TrialResult


def write_experiment(folder: Path, space: list[Any], objective: str) -> None:
    """Tell the HParams dashboard which settings vary between which values, and what they are judged by.

    Without it the dashboard guesses the domains from the trials it has seen.

    Args:
        folder: the one that holds the trials' own.
        space: KerasTuner's hyperparameters.
        objective: name of the metric to minimise.
    """
    rates = [hp for hp in space if hp.name in RATE_OF_OPTIMIZER]
    hparams = [hparams_api.HParam(hp.name, _domain(hp)) for hp in space if hp not in rates]
    if rates:
        lowest, highest = min(hp.min_value for hp in rates), max(hp.max_value for hp in rates)
        hparams.insert(0, hparams_api.HParam("learning_rate", hparams_api.RealInterval(lowest, highest)))
    metrics = [
        hparams_api.Metric(f"{which}_{objective}", display_name=f"{which} {objective}")
        for which in ("best", "last")
    ]
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        hparams_api.hparams_config(hparams=hparams, metrics=metrics)
    writer.close()


def _domain(hp: Any) -> Any:
    if isinstance(hp, kt.engine.hyperparameters.Choice):
        return hparams_api.Discrete(list(hp.values))
    if isinstance(hp, kt.engine.hyperparameters.Float):
        return hparams_api.RealInterval(hp.min_value, hp.max_value)
    if isinstance(hp, kt.engine.hyperparameters.Int):
        return hparams_api.IntInterval(hp.min_value, hp.max_value)
    return None


class TrialBoard:
    """One trial on the dashboards; `finish` ends it.

    Args:
        folder: the trial's.
        trial_id: its name in the HParams dashboard.
        values: the settings that vary.
    """

    def __init__(self, folder: Path, trial_id: str, values: dict[str, Any]) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))
        with self._writer.as_default():
            hparams_api.hparams(values, trial_id=f"trial {trial_id}")

    def epoch(self, epochs_done: int, row: dict[str, float]) -> None:
        """Add a point to each curve."""
        with self._writer.as_default(step=epochs_done):
            for name, value in row.items():
                tf.summary.scalar(name, value)

    def finish(self, result: TrialResult, objective: str, samples: list[str]) -> None:
        """Write best and last objective, and what the model writes."""
        with self._writer.as_default(step=result.epochs):
            for which, value in (("best", result.best), ("last", result.last)):
                if value is not None:
                    tf.summary.scalar(f"{which}_{objective}", value)
            if samples:
                tf.summary.text("samples", _code(samples))
        _end(self._writer, api_pb2.STATUS_SUCCESS)


def show_error(folder: Path, traceback: str) -> None:
    """Show on the dashboards why the trial of a folder failed."""
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default(step=0):
        tf.summary.text("error", _code(traceback.splitlines()))
    _end(writer, api_pb2.STATUS_FAILURE)


def _end(writer: Any, status: Any) -> None:
    with writer.as_default(step=0):
        tf.summary.experimental.write_raw_pb(session_end_pb(status).SerializeToString())
    writer.close()


def _code(lines: list[str]) -> str:
    # An indented block, since the dashboard renders Markdown and lyrics are none.
    return "\n".join("    " + line for line in lines)
