"""`MedianStop`: ends a trial that is hopeless."""

import dataclasses
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from lyric_lm.callbacks.epoch_guards import EndingCallback

_FEWEST_OTHERS = 4  # a median of fewer says little


@dataclasses.dataclass(frozen=True)
class MedianRule:
    """Stops a trial whose best value so far is worse than the median of the others' at the same epoch.

    Source: the median stopping rule of Golovin et al., "Google Vizier" (2017). It looks ten times in a trial,
    the first time after a fifth of it. Before half of it, only a trial that is no better than guessing can
    be stopped: of SGD's learning rates the best ones are among the worst for a third of the way, and a
    plain median rule was seen to stop the two best of eight. From half of it on, one that is no better than
    guessing is stopped whatever the others do.
    """

    epochs: int  # of a whole trial, >= 1
    guessing: float  # the objective of the uniform guess

    def looks_at(self, epochs_done: int) -> bool:
        """Whether the rule has something to say after so many epochs, counted from 1."""
        return epochs_done >= max(2, self.epochs // 5) and epochs_done % max(1, self.epochs // 10) == 0

    def hopeless(self, values: Sequence[float], others: Sequence[Sequence[float]]) -> bool:
        """Whether to stop.

        Args:
            values: the objective after each epoch of this trial, to be minimised; NaN counts as infinite.
            others: the same of the other trials; those that have not come so far do not count.

        >>> MedianRule(4, guessing=9.0).hopeless([5.0, 4.0], [[5.0, x] for x in (1.0, 2.0, 3.0, 3.5)])
        True
        """
        length, own = len(values), _best(values)
        half_way, learns = length >= self.epochs / 2, own < self.guessing
        if half_way != learns:  # both too early to say and too late to hope need no others
            return half_way
        best = [_best(other[:length]) for other in others if len(other) >= length]
        return len(best) >= _FEWEST_OTHERS and own > statistics.median(best)


class MedianStop(EndingCallback):
    """Ends a trial by the `MedianRule`, with a checkpoint from which it can be gone on with.

    Args:
        objective: the metric to minimise.
        rule: says when.
        others: called where the rule looks, for the objective after each epoch of every other trial.
        stop: called to end the training after the present epoch, as `ExactResume.stop` does.
    """

    def __init__(
        self,
        objective: str,
        rule: MedianRule,
        *,
        others: Callable[[], Sequence[Sequence[float]]],
        stop: Callable[[], object],
    ) -> None:
        super().__init__()
        self._values: list[float] = []
        self._objective, self._rule, self._others, self._stop = objective, rule, others, stop

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "values": self._values}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self._values = state.get("values", [])  # a checkpoint of format 1 has none

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        del epoch
        self._values.append(float((logs or {})[self._objective]))
        if self._rule.looks_at(len(self._values)) and self._rule.hopeless(self._values, self._others()):
            self.ending = "pruned"
            self._stop()


def _best(values: Sequence[float]) -> float:
    return min((value for value in values if not math.isnan(value)), default=math.inf)
