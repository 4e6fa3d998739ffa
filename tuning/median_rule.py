"""`MedianRule`: when a trial is hopeless."""

import math
import statistics
from collections.abc import Sequence

_FEWEST_OTHERS = 4  # a median of fewer says little


class MedianRule:
    """Stops a trial whose best value so far is worse than the median of the others' at the same epoch.

    Source: the median stopping rule of Golovin et al., "Google Vizier" (2017). It looks ten times in a
    trial, the first time after a fifth of it, since a good learning rate may start slowly.

    Args:
        epochs: of a whole trial, >= 1.
    """

    def __init__(self, epochs: int) -> None:
        self._every = max(1, epochs // 10)
        self._first = max(2, epochs // 5)

    def looks_at(self, epochs_done: int) -> bool:
        """Whether the rule has something to say after so many epochs, counted from 1."""
        return epochs_done >= self._first and epochs_done % self._every == 0

    def hopeless(self, values: Sequence[float], others: Sequence[Sequence[float]]) -> bool:
        """Whether to stop.

        Args:
            values: the objective after each epoch of this trial, to be minimised; NaN counts as infinite.
            others: the same of the other trials; those that have not come so far do not count.

        >>> MedianRule(10).hopeless([5.0, 4.0], [[5.0, x] for x in (1.0, 2.0, 3.0, 3.5)])
        True
        """
        length = len(values)
        best = [_best(other[:length]) for other in others if len(other) >= length]
        return len(best) >= _FEWEST_OTHERS and _best(values) > statistics.median(best)


def _best(values: Sequence[float]) -> float:
    return min((value for value in values if not math.isnan(value)), default=math.inf)
