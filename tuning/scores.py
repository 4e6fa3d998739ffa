"""Scores of trials: the worst there is, that of guessing, and perplexities as losses."""

import math


def worst_score(objective: str, vocabulary_size: int) -> float:
    """The score of a trial that diverged, which no score exceeds: V² for perplexities, log V² for losses.

    A number, since KerasTuner takes NaN for a failure and infinity for a zero; and no larger than that, since
    one wild trial would hide the differences of all others from a Gaussian process.
    """
    return _in_units_of(objective, float(vocabulary_size**2))


def guessing_score(objective: str, vocabulary_size: int) -> float:
    """The score of a model that holds every character equally likely: V, or log V."""
    return _in_units_of(objective, float(vocabulary_size))


def as_loss(objective: str, score: float) -> float:
    """A score in nats per character, whichever the objective is."""
    return math.log(score) if objective.endswith("perplexity") else score


def _in_units_of(objective: str, perplexity: float) -> float:
    return perplexity if objective.endswith("perplexity") else math.log(perplexity)
