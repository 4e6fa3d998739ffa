"""KerasTuner's oracles, which choose the trials, made to survive kill -9 and to score perplexities.

An oracle is the one owner of a search's state. KerasTuner 1.4.8 writes that state in place, redoes a finished
trial whose process died at the wrong moment, forgets where a grid was, keeps its lock for ever when too many
trials fail, and tells a worker to go while a trial of a dead one is still to be done; hence `DurableOracle`.
"""

import functools
import itertools
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import keras_tuner as kt
import numpy as np

from lyric_lm.runs.json_files import write_json
from lyric_lm.settings.search import SearchConfig
from lyric_lm.tuning.keras_internals import MetricsTracker, Trial, TrialStatus

MAX_FAILURES = 3  # failed trials in a row that end a search


class DurableOracle(kt.Oracle):  # type: ignore[misc]
    """An oracle whose files are whole after any kill; mixed into KerasTuner's own.

    Attributes:
        on_end: called with each trial that has ended; None calls nothing.
        stopping: whether nothing more is to be tried, because the last trials all failed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # KerasTuner would raise after so many failures, and keep its lock; see `stopping`.
        super().__init__(*args, max_consecutive_failed_trials=math.inf, **kwargs)
        self.on_end: Callable[[Any], object] | None = None
        self.stopping = False
        self.verbose = 0  # KerasTuner's own lines do not fit a terminal

    def save(self) -> None:
        write_json(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial: Any) -> None:
        write_json(Path(self._get_trial_dir(trial.trial_id)) / "trial.json", trial.get_state())

    def reload(self) -> None:
        super().reload()
        for trial_id in set(self.trials) - set(self.start_order):  # killed before it was given out
            del self.trials[trial_id]
        for trial_id in list(self._retry_queue):
            if self.trials[trial_id].status in (TrialStatus.COMPLETED, TrialStatus.FAILED):
                self._retry_queue.remove(trial_id)  # killed after it had ended
                self.end_order.append(trial_id)
        for trial_id in self.end_order[::-1]:  # the queue gives the latest first
            if self.trials[trial_id].status == TrialStatus.FAILED:  # its cause may have been mended
                self.end_order.remove(trial_id)
                self._retry_queue.append(trial_id)
        for trial_id in self._retry_queue:
            self.trials[trial_id].metrics = MetricsTracker()

    @kt.synchronized  # type: ignore[untyped-decorator]
    def create_trial(self, tuner_id: str) -> Any:
        if self.stopping and tuner_id not in self.ongoing_trials:
            self.tuner_ids.discard(tuner_id)
            return Trial(self.get_space(), trial_id="", status=TrialStatus.STOPPED)
        trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.STOPPED and self.ongoing_trials:
            # One of those may have to be done again, should its worker die.
            trial.status = TrialStatus.IDLE
            self.tuner_ids.add(tuner_id)
        return trial

    @kt.synchronized  # type: ignore[untyped-decorator]
    def end_trial(self, trial: Any) -> None:
        if trial.trial_id in self.end_order:
            # Two workers did it, since the first was taken for dead.
            for tuner_id in [i for i, t in self.ongoing_trials.items() if t.trial_id == trial.trial_id]:
                del self.ongoing_trials[tuner_id]
            return
        if trial.trial_id in self._retry_queue:
            self._retry_queue.remove(trial.trial_id)
        super().end_trial(trial)
        self.stopping = self.failures_at_end() >= MAX_FAILURES
        if self.on_end is not None:
            self.on_end(self.trials[trial.trial_id])

    def is_through(self) -> bool:
        """Whether the same command would find nothing to do, however many trials it asked for."""
        failed = any(trial.status == TrialStatus.FAILED for trial in self.trials.values())
        return not failed and (self.max_trials is None or len(self.trials) < self.max_trials)

    def failures_at_end(self) -> int:
        """How many trials have failed since the last one that did not."""
        ended = [self.trials[trial_id].status for trial_id in reversed(self.end_order)]
        return len(list(itertools.takewhile(lambda status: status == TrialStatus.FAILED, ended)))

    @kt.synchronized  # type: ignore[untyped-decorator]
    def release(self, tuner_id: str) -> str | None:
        """Forget a dead worker, and give its trial to another.

        Returns:
            The trial's id; None if the worker had none.
        """
        self.tuner_ids.discard(tuner_id)
        trial = self.ongoing_trials.pop(tuner_id, None)
        if trial is None:
            return None
        trial.metrics = MetricsTracker()
        self._retry_queue.append(trial.trial_id)
        self.save()
        return str(trial.trial_id)


@final
class RandomOracle(DurableOracle, kt.oracles.RandomSearchOracle):  # type: ignore[misc]
    """KerasTuner's random search."""


@final
class HyperbandOracle(DurableOracle, kt.oracles.HyperbandOracle):  # type: ignore[misc]
    """KerasTuner's Hyperband: successive halving, each further round going on from the trial's last epoch."""


@final
class BayesianOracle(DurableOracle, kt.oracles.BayesianOptimizationOracle):  # type: ignore[misc]
    """KerasTuner's Bayesian optimisation, on the logarithm of the perplexity.

    A perplexity ranges over orders of magnitude, the cross-entropy it is the exponential of does not.
    Trials under way in other processes count with the mean of the finished ones (Ginsbourger et al., 2010).
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a kernel's length at its bound, with few trials
            return super().populate_space(trial_id)  # type: ignore[no-any-return]

    def _vectorize_trials(self) -> tuple[Any, Any]:
        scored = [trial for trial in self.trials.values() if trial.status == TrialStatus.COMPLETED]
        ongoing = list(self.ongoing_trials.values())
        of_perplexity = self.objective.name.endswith("perplexity")
        scores = [math.log(trial.score) if of_perplexity else trial.score for trial in scored]
        scores += [float(np.mean(scores))] * len(ongoing)
        return np.array([self._vector(trial) for trial in scored + ongoing]), np.array(scores)

    def _vector(self, trial: Any) -> list[float]:
        values = trial.hyperparameters.values
        return [hp.value_to_prob(values.get(hp.name, hp.default)) for hp in self._nonfixed_space()]


@final
class GridOracle(DurableOracle):
    """Every combination of the space, in a fixed order; an interval counts with ten values on its scale."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        values = next(itertools.islice(self._combinations({}, 0), int(trial_id), None), None)
        if values is None:
            return {"status": TrialStatus.STOPPED}
        return {"status": TrialStatus.RUNNING, "values": values}

    def _combinations(self, chosen: dict[str, Any], depth: int) -> Any:
        space = self.hyperparameters.space
        if depth == len(space):
            yield dict(chosen)
            return
        hp = space[depth]
        active = all(condition.is_active(chosen) for condition in hp.conditions)
        for value in hp.values if active else [None]:
            yield from self._combinations({**chosen, hp.name: value} if active else chosen, depth + 1)


def build_oracle(settings: SearchConfig, objective: str, *, epochs: int) -> DurableOracle:
    """The oracle of a search.

    Args:
        settings: which one, and how many trials.
        objective: the metric to minimise.
        epochs: of a whole trial; Hyperband's shorter ones are fractions of it.
    """
    kinds: dict[str, Callable[..., DurableOracle]] = {
        "random": RandomOracle,
        "bayesian": BayesianOracle,
        "hyperband": functools.partial(HyperbandOracle, max_epochs=epochs),
        "grid": GridOracle,
    }
    # KerasTuner takes 0 for no seed.
    oracle = kinds[settings.tuner](objective=kt.Objective(objective, "min"), seed=settings.search_seed + 1)
    oracle.max_trials = settings.trial_limit
    return oracle


def score_of_perplexity(objective: str, perplexity: float) -> float:
    """A perplexity in the units of the objective: nats per character where that is a loss.

    >>> score_of_perplexity("val_perplexity", 7.0), score_of_perplexity("loss", 1.0)
    (7.0, 0.0)
    """
    return float(perplexity) if objective.endswith("perplexity") else math.log(perplexity)
