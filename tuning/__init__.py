"""Searches over the model's settings with KerasTuner."""

import importlib
from typing import TYPE_CHECKING, Any

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

# No module is named as its function is: importing it would put it in the function's place.
_HOMES = {"RNNHyperModel": "hypermodel", "RNNTuner": "tuner", "SearchSpace": "space", "search": "searching"}


def __getattr__(name: str) -> Any:
    # Imported on first use, so that `lyric-lm --help` need not wait for TensorFlow.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'settings')}"), name)
