"""Keras callbacks for anyone's `model.fit`."""

# ruff: noqa: E402
from lyric_lm.backend import require_tensorflow

require_tensorflow()  # before Keras, whose import fails where it lacks the backend that it is told to take

from lyric_lm.callbacks.exact_resume import ExactResume
from lyric_lm.callbacks.lyric_samples import LyricSamples
from lyric_lm.callbacks.tensorboard import TensorBoard
from lyric_lm.callbacks.validation_report import ValidationReport

__all__ = ["ExactResume", "LyricSamples", "TensorBoard", "ValidationReport"]
