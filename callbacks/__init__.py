"""Keras callbacks for anyone's `model.fit`."""

from lyric_lm.callbacks.exact_resume import ExactResume
from lyric_lm.callbacks.lyric_samples import LyricSamples
from lyric_lm.callbacks.tensorboard import TensorBoard
from lyric_lm.callbacks.validation_report import ValidationReport

__all__ = ["ExactResume", "LyricSamples", "TensorBoard", "ValidationReport"]
