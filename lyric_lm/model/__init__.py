"""The model: `RNNModel`, the state that it carries, and its fast path."""

from lyric_lm.backend import require_tensorflow

require_tensorflow()  # before Keras, whose import fails where it lacks the backend that it is told to take

from lyric_lm.model.rnn_model import RNNModel  # noqa: E402

__all__ = ["RNNModel"]
