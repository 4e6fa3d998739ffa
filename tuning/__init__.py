"""Searches over the model's settings with KerasTuner."""

# ruff: noqa: E402
from lyric_lm.backend import require_tensorflow

require_tensorflow()  # before Keras, whose import fails where it lacks the backend that it is told to take

from lyric_lm.settings.search import SearchConfig, SearchRunConfig, ServiceConfig
from lyric_lm.settings.space import SearchSpace
from lyric_lm.tuning.hypermodel import RNNHyperModel
from lyric_lm.tuning.run_search import search
from lyric_lm.tuning.tuner import RNNTuner

__all__ = [
    "RNNHyperModel",
    "RNNTuner",
    "SearchConfig",
    "SearchRunConfig",
    "SearchSpace",
    "ServiceConfig",
    "search",
]
