"""`History`: the figures of a training, epoch by epoch."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class History:
    """A training's figures, by the names of Keras' logs."""

    rows: list[dict[str, float]]  # a dictionary an epoch, from the first on

    def __len__(self) -> int:
        """Epochs done."""
        return len(self.rows)

    def column(self, name: str) -> list[float]:
        """One figure, a value an epoch; NaN where an epoch lacks it."""
        return [row.get(name, math.nan) for row in self.rows]

    def best(self, name: str) -> tuple[float, int] | None:
        """The smallest value of a figure and its epoch, counted from 1; None where no value is finite.

        >>> History([{"loss": 3.0}, {"loss": 1.5}, {"loss": math.nan}]).best("loss")
        (1.5, 2)
        """
        values = ((value, epoch) for epoch, value in enumerate(self.column(name), start=1))
        return min((pair for pair in values if math.isfinite(pair[0])), default=None)

    def last(self, name: str) -> float:
        """A figure of the last epoch; NaN where there is none."""
        return self.rows[-1].get(name, math.nan) if self.rows else math.nan
