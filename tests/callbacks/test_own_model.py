"""Callbacks of ours on a model that is not."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lyric_lm.callbacks import LyricSamples, TensorBoard


@pytest.mark.parametrize("kind", [LyricSamples, TensorBoard])
def test_a_callback_says_that_it_needs_a_model_of_ours(
    kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=f"`{kind.__name__}` needs a lyric_lm.RNNModel.*type Sequential"):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0, callbacks=[kind()])
