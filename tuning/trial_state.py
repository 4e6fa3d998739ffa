"""A trial's numbers: its state between two rounds of Hyperband, and the worst score there is."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.runs.atomic_files import write_atomically


def save_state(model: RNNModel, path: Path) -> None:
    """Write all variables of a model and its optimizer, seed generators included."""
    arrays = [np.asarray(variable) for variable in _variables(model)]

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, *arrays)

    write_atomically(path, write)


def load_state(model: RNNModel, path: Path) -> None:
    """Put what `save_state` wrote into a model of the same settings, whose optimizer is built."""
    with np.load(path, allow_pickle=False) as arrays:
        for i, variable in enumerate(_variables(model)):
            variable.assign(arrays[f"arr_{i}"])


def worst_score(objective: str, vocabulary_size: int) -> float:
    """The score of a trial that diverged, which no score exceeds: V² for perplexities, log V² for losses.

    A number, since KerasTuner takes NaN for a failure and infinity for a zero; and no larger than that, since
    one wild trial would hide the differences of all others from a Gaussian process.
    """
    return _as(objective, float(vocabulary_size**2))


def guessing_score(objective: str, vocabulary_size: int) -> float:
    """The score of a model that holds every character equally likely: V, or log V."""
    return _as(objective, float(vocabulary_size))


def _as(objective: str, perplexity: float) -> float:
    return perplexity if objective.endswith("perplexity") else math.log(perplexity)


def _variables(model: RNNModel) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]
