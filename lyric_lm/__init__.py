"""A Keras-native character language model for song lyrics.

Everywhere in this package the letters of an array's shape mean the same axis:

* **B**: rows of a batch, each a contiguous stretch of text
* **T**: time steps, one character each
* **V**: vocabulary size
* **H**: hidden units of the recurrent cell
"""

from typing import TYPE_CHECKING

from lyric_lm.keras_registration import register_with_keras
from lyric_lm.lazy_names import lazy_names

if TYPE_CHECKING:
    from lyric_lm.evaluation.ngrams import WittenBell
    from lyric_lm.generation import LineSpec, SongForm, candidates, write_songs
    from lyric_lm.generation.generate import generate, stream
    from lyric_lm.generation.prefix import fit_prefix
    from lyric_lm.generation.rules import MaxCopy, NoRepeatNgram, RepetitionPenalty
    from lyric_lm.generation.samplers import Beam, Greedy, Temperature, TopK, TopP
    from lyric_lm.model.rnn_model import RNNModel
    from lyric_lm.originality.copy_index import CopyIndex

__version__ = "0.1.0"

__all__ = [
    "Beam",
    "CopyIndex",
    "Greedy",
    "LineSpec",
    "MaxCopy",
    "NoRepeatNgram",
    "RNNModel",
    "RepetitionPenalty",
    "SongForm",
    "Temperature",
    "TopK",
    "TopP",
    "WittenBell",
    "candidates",
    "fit_prefix",
    "generate",
    "stream",
    "write_songs",
]

__getattr__, __dir__ = lazy_names(__name__)

register_with_keras("lyric_lm", "RNNModel", home="lyric_lm.model")
