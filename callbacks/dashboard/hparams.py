"""What TensorBoard's HParams page lists: the settings of a run and what came of it, the space of a search."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from tensorboard.plugins.hparams import api, api_pb2
from tensorboard.plugins.hparams.summary import experiment_pb, session_end_pb

from lyric_lm.callbacks.dashboard.scalars import BEST_VALIDATION, PERPLEXITY, VALIDATION
from lyric_lm.settings.config import LEARNING_RATES, TrainConfig

# Charts of the run `train`, whose last values the page shows.
_RESULTS = (BEST_VALIDATION, VALIDATION, PERPLEXITY)


def listed_settings(config: TrainConfig, *, first: Iterable[str] = ()) -> dict[str, bool | int | float | str]:
    """The settings of a training that the page lists.

    Args:
        config: the settings.
        first: those to begin with; then come the five that are changed most.
    """
    parts: list[Any] = [config.corpus, config.model, config.optimizer]
    settings = {name: value for part in parts for name, value in dataclasses.asdict(part).items()}
    settings["learning_rate"] = config.optimizer.learning_rate or LEARNING_RATES[config.optimizer.optimizer]
    names = dict.fromkeys((*first, "cell", "hidden_size", "optimizer", "learning_rate", "seed", *settings))
    return {name: settings[name] for name in names if isinstance(settings.get(name), (bool, int, float, str))}


def session_start(settings: Mapping[str, bool | int | float | str], *, name: str) -> Any:
    """The run's settings, in a row of this name."""
    return api.hparams_pb(dict(settings), trial_id=name)


def columns(settings: Mapping[str, bool | int | float | str], *, validated: bool) -> Any:
    """Which columns to show, as TensorBoard would otherwise list every chart.

    Args:
        settings: those of the run.
        validated: whether its results on validation stand first.
    """
    kinds = {str: api_pb2.DATA_TYPE_STRING, bool: api_pb2.DATA_TYPE_BOOL}
    infos = [
        # It opens with the first five columns, those that differ between runs before the others.
        api_pb2.HParamInfo(name=name, type=kinds.get(type(value), api_pb2.DATA_TYPE_FLOAT64), differs=i < 5)
        for i, (name, value) in enumerate(settings.items())
    ]
    metrics = [api.Metric(tag, display_name=tag.partition("/")[2]).as_proto() for tag in _RESULTS]
    return experiment_pb(infos, metrics if validated else metrics[::-1])


def session_end() -> Any:
    """That the run has ended well."""
    return session_end_pb(api_pb2.STATUS_SUCCESS)


def session_failure() -> Any:
    """That the run has failed."""
    return session_end_pb(api_pb2.STATUS_FAILURE)
