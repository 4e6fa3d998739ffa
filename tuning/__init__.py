"""Searches over the model's settings with KerasTuner."""

from typing import TYPE_CHECKING, Any

from lyric_lm.backend import require_tensorflow
from lyric_lm.lazy_names import lazy_names
from lyric_lm.settings.search import SearchConfig, SearchRunConfig, ServiceConfig
from lyric_lm.tuning.space import SearchSpace

if TYPE_CHECKING:
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

_HOMES = {"RNNHyperModel": "hypermodel", "RNNTuner": "tuner", "search": "run_search"}
_import, _ = lazy_names(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        require_tensorflow()  # before Keras, whose import fails where it lacks its backend
    return _import(name)


def __dir__() -> list[str]:
    return __all__
