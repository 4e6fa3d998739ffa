"""What TensorBoard's HParams page lists: the settings of a run and what came of it, the space of a search."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from tensorboard.plugins.hparams import api, api_pb2
from tensorboard.plugins.hparams.summary import experiment_pb, session_end_pb

from lyric_lm.callbacks.dashboard.events import scalar
from lyric_lm.settings.config import LEARNING_RATES, TrainConfig
from lyric_lm.settings.space import RATE_OF_OPTIMIZER

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
    metrics = [metric.as_proto() for metric in _metrics(RESULTS.values())]
    return [experiment_pb(columns, metrics), api.hparams_pb(dict(settings))]


def session_end(results: Mapping[str, float]) -> list[Any]:
    """The results, by the names of the logs, and that the run has ended well."""
    shown = [scalar(tag, results[name]) for name, tag in RESULTS.items() if name in results]
    return [*shown, session_end_pb(api_pb2.STATUS_SUCCESS)]


def session_failure() -> Any:
    """That the run has failed."""
    return session_end_pb(api_pb2.STATUS_FAILURE)


def experiment(space: Iterable[Any], *, held_out: bool) -> Any:
    """Which settings of a search vary between which values; else the page lists every setting of a training.

    Args:
        space: KerasTuner's hyperparameters.
        held_out: whether there is a text to validate on.
    """
    rates = [hp for hp in space if hp.name in RATE_OF_OPTIMIZER]
    hparams = [api.HParam(hp.name, _domain(hp)) for hp in space if hp not in rates]
    if rates:
        lowest, highest = min(hp.min_value for hp in rates), max(hp.max_value for hp in rates)
        hparams.insert(0, api.HParam("learning_rate", api.RealInterval(lowest, highest)))
    return api.hparams_config_pb(hparams, _metrics(list(RESULTS.values())[: None if held_out else 1]))


def _domain(hp: Any) -> Any:
    if not hasattr(hp, "min_value"):
        return api.Discrete(list(hp.values))
    interval = api.IntInterval if isinstance(hp.min_value, int) else api.RealInterval
    return interval(hp.min_value, hp.max_value)


def _metrics(tags: Iterable[str]) -> list[Any]:
    return [api.Metric(tag, display_name=tag.partition("/")[2]) for tag in tags]
