"""Which charts an epoch's logs become, and what each is called.

TensorBoard sorts charts by name and opens the first two groups: `learning` holds what a person came to see.
Curves of one name share a chart, a run each, so training and validation need no more than two runs.
"""

import math
from collections.abc import Mapping
from typing import Any

from lyric_lm.callbacks.dashboard.events import scalar

PERPLEXITY, BITS = "learning/perplexity", "loss/bits_per_character"
SAMPLES = "learning/samples"  # the picture beside the perplexity
GRADIENT_NORM = "optimizer/gradient_norm"
# In the run `train` too, where the page HParams finds them.
BEST_VALIDATION, VALIDATION = "result/best_validation_perplexity", "result/validation_perplexity"

_ORIGINALITY = ("copied_", "longest_copied_")  # how the logs of `lyric_lm.originality.measures` begin
_DESCRIPTIONS = {
    PERPLEXITY: "Among how many characters the model is torn, on average: exp of the loss. 1 is certainty.",
    BITS: "Perplexity on a logarithmic scale: log2 of it. One less halves the perplexity.",
    "optimizer/clipped_share": "Of the epoch's steps, the share whose gradients were longer than theta.",
    "optimizer/learning_rate": "At the end of the epoch.",
    "speed/characters_per_second": "Of the training steps alone, without validation, samples and dashboards. "
    "The first epoch, which compiles, is left out.",
}


def training_scalars(
    logs: Mapping[str, Any],
    *,
    best_val_perplexity: float,
    clipping_theta: float | None,
    learning_rate: float,
    characters_per_second: float,
) -> list[Any]:
    """An epoch's charts of the run `train`.

    Args:
        logs: of the epoch; what they lack is left out.
        best_val_perplexity: so far; infinity leaves it out.
        clipping_theta: to which longer gradients are cut; None for no clipping.
        learning_rate: at the end of the epoch.
        characters_per_second: of its training steps; 0 leaves it out.
    """
    values = {
        **_fit(logs, ""),
        BEST_VALIDATION: best_val_perplexity if best_val_perplexity < math.inf else None,
        VALIDATION: logs.get("val_perplexity"),
        "optimizer/clipped_share": logs.get("clipped_share"),
        "optimizer/learning_rate": learning_rate,
        "speed/characters_per_second": characters_per_second or None,
        **{f"originality/{name}": value for name, value in logs.items() if name.startswith(_ORIGINALITY)},
    }
    cut = (
        "they are not cut."
        if clipping_theta is None
        else f"longer ones are cut to theta, {clipping_theta:g}."
    )
    norm = {GRADIENT_NORM: logs.get("grad_norm")}
    described = "Global L2 norm of the gradients before clipping, mean over the epoch's steps; "
    return [*_scalars(values), *_scalars(norm, described + cut)]


def validation_scalars(logs: Mapping[str, Any]) -> list[Any]:
    """An epoch's charts of the run `validation`; none where the logs hold no validation."""
    return _scalars(_fit(logs, "val_"))


def _fit(logs: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    if (loss := logs.get(f"{prefix}loss")) is None:
        return {}
    perplexity = logs.get(f"{prefix}perplexity", math.exp(loss))
    return {PERPLEXITY: perplexity, BITS: loss / math.log(2)}


def _scalars(values: Mapping[str, Any], description: str = "") -> list[Any]:
    return [
        scalar(tag, float(value), _DESCRIPTIONS.get(tag, description))
        for tag, value in values.items()
        if value is not None
    ]
