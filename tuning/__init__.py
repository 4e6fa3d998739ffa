"""Searches over the model's settings with KerasTuner."""

from typing import TYPE_CHECKING

from lyric_lm.lazy_names import lazy_names

if TYPE_CHECKING:
    from lyric_lm.tuning.hypermodel import RNNHyperModel
    from lyric_lm.tuning.searching import search
    from lyric_lm.tuning.settings import SearchConfig, SearchRunConfig, ServiceConfig
    from lyric_lm.tuning.space import SearchSpace
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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "RNNHyperModel": "hypermodel",
        "RNNTuner": "tuner",
        "SearchConfig": "settings",
        "SearchRunConfig": "settings",
        "SearchSpace": "space",
        "ServiceConfig": "settings",
        "search": "searching",
    },
)
