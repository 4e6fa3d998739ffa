"""`History`: the figures of a training, epoch by epoch."""

import csv
import dataclasses
import io
import math
from typing import Self

# Keras hands logs over sorted by name; these are what people look for.
_FIRST_COLUMNS = ("loss", "perplexity", "val_loss", "val_perplexity", "grad_norm", "clipped_share")


@dataclasses.dataclass(frozen=True)
class History:
    """A training's figures, by the names of Keras' logs."""

    rows: list[dict[str, float]]  # a dictionary an epoch, from the first on

    def __len__(self) -> int:
        """Epochs done."""
        return len(self.rows)

    def column(self, name: str) -> list[float]:
        """One figure, a value an epoch, NaN where an epoch lacks it; empty where all do."""
        if not any(name in row for row in self.rows):
            return []
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

    def to_csv(self) -> str:
        """A table with a row an epoch, counted from 1; history.csv of a run.

        >>> print(History([{"loss": 3.0, "perplexity": 20.0}]).to_csv(), end="")
        epoch,loss,perplexity
        1,3.0,20.0
        """
        found = dict.fromkeys(name for row in self.rows for name in row)
        names = [name for name in _FIRST_COLUMNS if name in found]
        names += [name for name in found if name not in names]
        text = io.StringIO()
        writer = csv.DictWriter(text, ["epoch", *names], lineterminator="\n")
        writer.writeheader()
        writer.writerows({"epoch": i, **row} for i, row in enumerate(self.rows, start=1))
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str) -> Self:
        """The inverse of `to_csv`.

        Raises:
            ValueError: the table is damaged, or an epoch has no perplexity.
        """
        try:
            table = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
            rows = [{name: float(value) for name, value in row.items() if value} for row in table]
        except (TypeError, csv.Error) as error:
            raise ValueError(str(error)) from error
        if [row.pop("epoch", None) for row in rows] != [*range(1, len(rows) + 1)]:
            raise ValueError("its epochs are not numbered from 1")
        if not all("perplexity" in row for row in rows):
            raise ValueError("an epoch without perplexity")
        return cls(rows)
