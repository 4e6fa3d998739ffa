"""The model: `RNNModel`, the state that it carries, and its fast path."""

from lyric_lm.model.rnn_model import RNNModel

__all__ = ["RNNModel"]
