"""Keras callbacks for anyone's `model.fit`."""

from lyric_lm.callbacks.lyric_samples import LyricSamples

__all__ = ["LyricSamples"]
