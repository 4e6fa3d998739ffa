"""The one training: from settings to a trained model."""

from lyric_lm.training.building import compiled_model
from lyric_lm.training.outcome import Outcome
from lyric_lm.training.texts import Texts, load_texts
from lyric_lm.training.train import train

__all__ = ["Outcome", "Texts", "compiled_model", "load_texts", "train"]
