"""What TensorBoard shows of a search beside its trials: what varies, and why a trial failed."""

from pathlib import Path
from typing import Any

import keras_tuner as kt
from tensorboard.plugins.hparams import api as hparams_api
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.summary import session_end_pb

from lyric_lm.callbacks.dashboard.events import EventFiles, text
from lyric_lm.callbacks.dashboard.hparams import RESULTS
from lyric_lm.callbacks.dashboard.samples import code_block
from lyric_lm.tuning.space import RATE_OF_OPTIMIZER


def write_experiment(folder: Path, space: list[Any], *, held_out: bool) -> None:
    """Tell the HParams page which settings vary between which values, and what they are judged by.

    Without it the page lists every setting of a training.

    Args:
        folder: the one that holds the trials' own.
        space: KerasTuner's hyperparameters.
        held_out: whether there is a text to validate on.
    """
    rates = [hp for hp in space if hp.name in RATE_OF_OPTIMIZER]
    hparams = [hparams_api.HParam(hp.name, _domain(hp)) for hp in space if hp not in rates]
    if rates:
        lowest, highest = min(hp.min_value for hp in rates), max(hp.max_value for hp in rates)
        hparams.insert(0, hparams_api.HParam("learning_rate", hparams_api.RealInterval(lowest, highest)))
    tags = list(RESULTS.values()) if held_out else [RESULTS["perplexity"]]
    metrics = [hparams_api.Metric(tag, display_name=tag.partition("/")[2]) for tag in tags]
    files = EventFiles(folder)
    files.write(".", 0, [hparams_api.hparams_config_pb(hparams=hparams, metrics=metrics)])
    files.close()


def _domain(hp: Any) -> Any:
    if isinstance(hp, kt.engine.hyperparameters.Choice):
        return hparams_api.Discrete(list(hp.values))
    if isinstance(hp, kt.engine.hyperparameters.Float):
        return hparams_api.RealInterval(hp.min_value, hp.max_value)
    if isinstance(hp, kt.engine.hyperparameters.Int):
        return hparams_api.IntInterval(hp.min_value, hp.max_value)
    return None


def show_error(folder: Path, traceback: str) -> None:
    """Show on the dashboards of a trial why it failed."""
    files = EventFiles(folder)
    files.write(".", 0, [text("error", code_block(traceback)), session_end_pb(api_pb2.STATUS_FAILURE)])
    files.close()
