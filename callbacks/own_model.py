"""`check_own_model`: for callbacks that write with the model, or look inside of it."""

import keras

from lyric_lm.model.rnn_model import RNNModel


def check_own_model(callback: keras.callbacks.Callback) -> None:
    """Check that a callback was given to a model that it can work with.

    Raises:
        ValueError: the callback's model is not an `RNNModel`.
    """
    if not isinstance(callback.model, RNNModel):
        raise ValueError(
            f"`{type(callback).__name__}` needs a lyric_lm.RNNModel, which knows its vocabulary and can be "
            f"sampled from. Received: model of type {type(callback.model).__name__}"
        )
