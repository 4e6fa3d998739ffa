"""The one training: from settings to a trained model."""

# ruff: noqa: E402
from lyric_lm.backend import require_tensorflow

require_tensorflow()  # before Keras, whose import fails where it lacks the backend that it is told to take

from lyric_lm.training.building import compiled_model
from lyric_lm.training.outcome import Outcome
from lyric_lm.training.parent import Parent
from lyric_lm.training.texts import Texts, load_texts
from lyric_lm.training.train import train

__all__ = ["Outcome", "Parent", "Texts", "compiled_model", "load_texts", "train"]
