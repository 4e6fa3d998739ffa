"""What an export must agree with its model in before it is put in place."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyric_lm.errors import ExportError
from lyric_lm.generation.generate import generate
from lyric_lm.model.rnn_model import RNNModel

_TOLERANCE = 1e-5
_NUM_STEPS, _NUM_CHARS = 20, 200


def check_logits(
    model: RNNModel,
    step: Callable[[NDArray[np.int32], list[NDArray[np.float32]]], tuple[Any, list[Any]]],
    state: list[NDArray[np.float32]],
) -> None:
    """Compare the logits on random text.

    Args:
        model: the model.
        step: the export's `(ids, state) -> (logits, state)`: ids int32 `(1, 1)`, logits float32 `(1, V)`.
        state: zeros, each float32 `(1, H)`.

    Raises:
        ExportError: a logit differs by more than 1e-5 times the largest one, or 1e-5 where all are below 1.
    """
    ids = np.random.default_rng(0).integers(len(model.vocabulary), size=(1, _NUM_STEPS), dtype=np.int32)
    expected = np.asarray(model(ids)[0])[0]  # (T, V)
    tolerance = _TOLERANCE * max(1.0, float(np.abs(expected).max()))
    worst = 0.0
    for position in range(_NUM_STEPS):
        logits, state = step(ids[:, position : position + 1], state)
        worst = max(worst, float(np.abs(np.asarray(logits)[0] - expected[position]).max()))
    if not worst <= tolerance:  # so that NaN is a difference, too
        raise ExportError(
            f"The exported model's logits differ from the model's by {worst:.1e}, more than {tolerance:.0e}: "
            "nothing was written. Train and export in float32 with the packages' newest versions."
        )


def check_text(model: RNNModel, write: Callable[[str, int], str]) -> None:
    """Compare what is written greedily.

    Args:
        model: the model.
        write: the export's `(prefix, num_chars) -> text`.

    Raises:
        ExportError: the texts differ.
    """
    prefix = model.vocabulary.characters[0]
    expected, written = generate(model, prefix, _NUM_CHARS), write(prefix, _NUM_CHARS)
    if written != expected:
        position = next(
            (i for i, pair in enumerate(zip(expected, written, strict=False)) if len(set(pair)) > 1),
            min(len(expected), len(written)),
        )
        raise ExportError(
            f"The exported model writes another text than the model from character {position + 1} on: "
            "nothing was written. Train and export in float32 with the packages' newest versions."
        )
