"""A Keras-native character language model for song lyrics.

Everywhere in this package the letters of an array's shape mean the same axis:

* **B**: rows of a batch, each a contiguous stretch of text
* **T**: time steps, one character each
* **V**: vocabulary size
* **H**: hidden units of the recurrent cell
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lyric_lm.copy_index import CopyIndex
    from lyric_lm.generation import generate, stream
    from lyric_lm.model import RNNModel
    from lyric_lm.ngrams import WittenBell
    from lyric_lm.rules import MaxCopy, NoRepeatNgram, RepetitionPenalty
    from lyric_lm.samplers import Beam, Greedy, Temperature, TopK, TopP

_HOMES = {
    "Beam": "samplers",
    "CopyIndex": "copy_index",
    "Greedy": "samplers",
    "MaxCopy": "rules",
    "NoRepeatNgram": "rules",
    "RNNModel": "model",
    "RepetitionPenalty": "rules",
    "Temperature": "samplers",
    "TopK": "samplers",
    "TopP": "samplers",
    "WittenBell": "ngrams",
    "generate": "generation",
    "stream": "generation",
}

__all__ = [
    "Beam",
    "CopyIndex",
    "Greedy",
    "MaxCopy",
    "NoRepeatNgram",
    "RNNModel",
    "RepetitionPenalty",
    "Temperature",
    "TopK",
    "TopP",
    "WittenBell",
    "generate",
    "stream",
]


def __getattr__(name: str) -> Any:
    # Imported on first use, so that `lyric-lm --help` need not wait for TensorFlow.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
