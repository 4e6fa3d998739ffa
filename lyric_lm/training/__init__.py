"""The one training: from settings to a trained model."""

from lyric_lm.training.train import train

__all__ = ["train"]
