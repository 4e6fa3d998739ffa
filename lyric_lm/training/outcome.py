"""`Outcome`: what came of a training."""

import dataclasses
from typing import Literal

from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.runs.history import History

State = Literal["finished", "stopped", "pruned", "diverged"]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a training, and how it ended.

    It is `finished` after its last epoch or where no better one was to be expected (`patience`); `stopped`
    where a signal asked for it, `pruned` where a search gave it up, `diverged` where its loss or a weight
    became NaN or infinite.
    """

    model: RNNModel
    epoch: int  # whose weights the model holds, counted from 1; 0 where not a single epoch was good
    history: History  # of all epochs, those before a resume included
    state: State
    message: str = ""  # for the user where it diverged

    def best(self, metric: str) -> tuple[float, int] | None:
        """The smallest value of a metric and its epoch, counted from 1; None where no value is finite."""
        return self.history.best(metric)
