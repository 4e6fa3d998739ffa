import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lyric_lm.tuning.trial_watch import TrialWatch


def follow(watch: TrialWatch, values: list[float], losses: list[float] | None = None, start: int = 0) -> int:
    """Play a training to it; returns the epochs until it is stopped. The weights are the epoch's number."""
    model: Any = SimpleNamespace(stop_training=False)
    watch.set_model(model)
    epoch = -1
    for epoch, value in enumerate(values):
        model.get_weights = lambda epoch=epoch: [np.array([float(start + epoch + 1)])]
        loss = losses[epoch] if losses else 1.0
        watch.on_epoch_end(start + epoch, {"loss": loss, "perplexity": value})
        if model.stop_training:
            break
    watch.on_train_end()
    return epoch + 1


def test_it_keeps_the_weights_of_the_best_epoch() -> None:
    watch = TrialWatch("perplexity")
    follow(watch, [5.0, 2.0, 3.0])
    assert (watch.state, watch.best, watch.best_epoch) == ("finished", 2.0, 2)
    assert watch.weights[0].tolist() == [2.0]
    assert [row["perplexity"] for row in watch.rows] == [5.0, 2.0, 3.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_trial(bad: float) -> None:
    watch = TrialWatch("perplexity")
    assert follow(watch, [5.0, bad, 1.0], [1.0, bad, 1.0]) == 2
    assert (watch.state, watch.best, watch.best_epoch) == ("diverged", 5.0, 1)


def test_weights_that_are_no_numbers_after_the_last_epoch_are_a_divergence() -> None:
    watch = TrialWatch("perplexity")
    watch.set_model(SimpleNamespace(stop_training=False, get_weights=lambda: [np.array([np.nan])]))
    watch.on_epoch_end(0, {"loss": 1.0, "perplexity": 2.0})
    watch.on_train_end()
    assert watch.state == "diverged"


def test_a_hopeless_trial_is_pruned() -> None:
    watch = TrialWatch("perplexity", hopeless=lambda values: values == [9.0, 8.0])
    assert follow(watch, [9.0, 8.0, 7.0]) == 2
    assert watch.state == "pruned"


def test_patience_counts_from_the_best_epoch() -> None:
    watch = TrialWatch("perplexity", patience=2)
    assert follow(watch, [5.0, 4.0, 4.5, 4.5, 3.0]) == 4
    assert watch.state == "finished"


def test_epochs_of_an_earlier_trial_are_shown_and_not_judged() -> None:
    watch = TrialWatch("perplexity", past=[{"loss": 0.0, "perplexity": 1.0}])
    follow(watch, [6.0, 5.0], start=1)
    assert (len(watch.rows), watch.best, watch.best_epoch) == (3, 5.0, 3)
