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
    from lyric_lm.generation import generate
    from lyric_lm.model import RNNModel
    from lyric_lm.samplers import Greedy, Sampler, Temperature, TopK, TopP

__all__ = ["Greedy", "RNNModel", "Sampler", "Temperature", "TopK", "TopP", "generate"]

_HOMES = {"RNNModel": "model", "generate": "generation"}


def __getattr__(name: str) -> Any:
    # Imported on first use, so that `lyric-lm --help` need not wait for TensorFlow.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'samplers')}"), name)
