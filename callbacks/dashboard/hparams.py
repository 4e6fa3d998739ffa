"""What TensorBoard's HParams page lists of one run: its settings and what came of it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tensorboard.plugins.hparams import api, api_pb2
from tensorboard.plugins.hparams.summary import experiment_pb, session_end_pb

from lyric_lm.callbacks.dashboard.events import scalar
from lyric_lm.settings.config import LEARNING_RATES, TrainConfig

# TensorBoard looks for a run's results in the log folder's own run, or not at all if that is its --logdir.
RESULTS = {
    "perplexity": "result/perplexity",
    "val_perplexity": "result/validation_perplexity",
    "best_val_perplexity": "result/best_validation_perplexity",
}


def listed_settings(config: TrainConfig) -> dict[str, bool | int | float | str]:
    """The settings of a training that the page lists, beginning with the five that are changed most."""
    parts: list[Any] = [config.corpus, config.model, config.optimizer]
    settings = {name: value for part in parts for name, value in dataclasses.asdict(part).items()}
    settings["learning_rate"] = config.optimizer.learning_rate or LEARNING_RATES[config.optimizer.optimizer]
    names = dict.fromkeys(("cell", "hidden_size", "optimizer", "learning_rate", "seed", *settings))
    return {name: settings[name] for name in names if isinstance(settings[name], (bool, int, float, str))}


def session_start(settings: Mapping[str, bool | int | float | str]) -> list[Any]:
    """The run's settings and which columns to show, as TensorBoard would otherwise list every chart."""
    kinds = {str: api_pb2.DATA_TYPE_STRING, bool: api_pb2.DATA_TYPE_BOOL}
    columns = [
        # It opens with the first five columns, those that differ between runs before the others.
        api_pb2.HParamInfo(name=name, type=kinds.get(type(value), api_pb2.DATA_TYPE_FLOAT64), differs=i < 5)
        for i, (name, value) in enumerate(settings.items())
    ]
    metrics = [api.Metric(tag, display_name=tag.partition("/")[2]).as_proto() for tag in RESULTS.values()]
    return [experiment_pb(columns, metrics), api.hparams_pb(dict(settings))]


def session_end(results: Mapping[str, float]) -> list[Any]:
    """The results, by the names of the logs, and that the run has ended well."""
    shown = [scalar(tag, results[name]) for name, tag in RESULTS.items() if name in results]
    return [*shown, session_end_pb(api_pb2.STATUS_SUCCESS)]
