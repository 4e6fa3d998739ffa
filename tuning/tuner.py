"""`RNNTuner`: runs trials as KerasTuner does, each one a training and a run like any other."""

import copy
import functools
import io
import math
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from pathlib import Path
from typing import Any

import keras_tuner as kt

from lyric_lm.callbacks import ExactResume
from lyric_lm.errors import SearchError
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.runs.record import describe_run
from lyric_lm.runs.run import MODEL, Run
from lyric_lm.settings.config import DashboardConfig
from lyric_lm.training import Outcome, compiled_model, train
from lyric_lm.tuning.dashboards import show_error
from lyric_lm.tuning.hypermodel import RNNHyperModel
from lyric_lm.tuning.keras_internals import TrialStatus, is_worker, print_no_tracebacks
from lyric_lm.tuning.median_stop import MedianRule, MedianStop
from lyric_lm.tuning.model_pool import ModelPool
from lyric_lm.tuning.oracles import DurableOracle, HyperbandOracle
from lyric_lm.tuning.scores import guessing_score, worst_score
from lyric_lm.tuning.trial_records import TrialRecords, TrialResult, trial_number

_IDLE_SECONDS = 0.5  # until an idle worker asks again
# Samples, histograms and pictures of every trial would take a good part of its time.
_DASHBOARD = DashboardConfig(samples_every=None, histograms_every=None)


class RNNTuner(kt.Tuner):  # type: ignore[misc]
    """The tuner of `lyric_lm.tuning.search`; make one yourself only for an oracle of your own.

    A trial that diverges scores V², the square of the uniform guess's perplexity, and no score is worse than
    that; a hopeless one is ended early and scores its best epoch.

    Args:
        oracle: chooses the trials; its objective is minimised.
        hypermodel: says what is trained on which text.
        run_dir: KerasTuner's state goes to `keras_tuner/`, each trial's run to `trials/`.
        pruning: whether hopeless trials are ended early.
        keep_checkpoints: whether the models and checkpoints of losing trials are kept.
    """

    def __init__(
        self,
        oracle: DurableOracle,
        hypermodel: RNNHyperModel,
        *,
        run_dir: Path,
        pruning: bool = True,
        keep_checkpoints: bool = False,
    ) -> None:
        with redirect_stdout(io.StringIO()):  # "Reloading Tuner from ..."
            super().__init__(oracle, hypermodel, directory=str(run_dir), project_name="keras_tuner")
        self.run_dir = run_dir
        self.records = TrialRecords(run_dir / "trials", oracle.objective.name)
        self.keeps_losers = keep_checkpoints
        self.goes_on_with_trials = isinstance(oracle, HyperbandOracle)  # in later rounds
        self._pruning = pruning and not self.goes_on_with_trials
        self._models = ModelPool()
        self._say_once = functools.cache(print)  # each trial has the same callbacks
        # What runs beside a trial: a worker's sign of life to its chief.
        self.beside_trial: Callable[[], AbstractContextManager[Any]] = nullcontext

    @property
    def is_worker(self) -> bool:
        """Whether this process does trials for a chief."""
        return is_worker()

    # KerasTuner keeps a second file for each process that ever was the tuner; the oracle's says it all.
    def _get_tuner_fname(self) -> str:
        return str(Path(self.project_dir) / "oracle.json")

    def save(self) -> None:
        if not self.is_worker:
            self.oracle.save()

    def reload(self) -> None:
        if not self.is_worker:
            self.oracle.reload()

    def search(self, *, callbacks: Sequence[Any] = ()) -> None:
        """Run trials until the oracle has no more.

        Args:
            callbacks: for each trial's `fit`, copied; one of a class named TensorBoard gets a folder a trial.
        """
        self.on_search_begin()
        print_no_tracebacks()  # error.txt has them
        while True:
            trial = self.oracle.create_trial(self.tuner_id)
            if trial.status == TrialStatus.STOPPED:
                break
            if trial.status == TrialStatus.IDLE:
                time.sleep(_IDLE_SECONDS)
                continue
            self.on_trial_begin(trial)
            with self.beside_trial():
                self._try_run_and_update_trial(trial, callbacks=callbacks)
            self.on_trial_end(trial)
        self.on_search_end()

    def run_trial(self, trial: Any, *, callbacks: Sequence[Any] = ()) -> dict[str, float]:
        start, number = time.perf_counter(), trial_number(trial.trial_id)
        try:
            result = self._train(number, trial.hyperparameters, callbacks, start)
        except Exception as error:
            # KerasTuner's messages to the chief leave the traceback behind.
            text = traceback.format_exc()
            last_line = " ".join("".join(traceback.format_exception_only(error)).split())
            seconds = time.perf_counter() - start
            self.records.fail(number, text, TrialResult("failed", seconds=seconds, error=last_line))
            show_error(Run(self.records.folder(number)).tensorboard, text)
            raise
        return {self.oracle.objective.name: float(result.score or 0)}

    def load_model(self, trial: Any) -> RNNModel:
        """The model of a trial that is done, with the weights of its best epoch.

        Raises:
            SearchError: its model was not kept.
        """
        folder = self.records.folder(trial_number(trial.trial_id))
        if not (folder / MODEL).is_file():
            raise SearchError(
                f"The model of {folder} was not kept, only the best one is: ask for that alone, or search "
                "with --keep-checkpoints (keep_checkpoints=True)."
            )
        model: RNNModel = Run.open(folder).load_model()
        return model

    def results_summary(self, num_trials: int = 10) -> None:
        """Print a table of the best trials."""
        from rich.console import Console

        from lyric_lm.tuning.report import trial_table

        Console().print(trial_table(self, num_trials))

    def _train(
        self, number: int, hp: kt.HyperParameters, callbacks: Sequence[Any], start: float
    ) -> TrialResult:
        objective, texts = self.oracle.objective.name, self.hypermodel.texts
        config = self.hypermodel.train_config(hp)
        record = describe_run(config, texts.training, texts.validation)
        earlier = hp.values.get("tuner/trial_id")  # whose training this one goes on with
        after = None if earlier is None else trial_number(earlier)
        with self.records.begin(number, record, after=after) as run:
            resume = ExactResume(run.checkpoints, every=config.optimizer.epochs, report=self._say_once)
            extra = [*_copies(callbacks, number), resume]
            if self._pruning:
                guessing = guessing_score(objective, len(texts.vocabulary))
                rule = MedianRule(config.optimizer.epochs, guessing)
                others = functools.partial(self.records.other_values, number)
                extra.append(MedianStop(objective, rule, others=others, stop=resume.stop))
            outcome = train(
                config,
                texts=texts,
                run=run,
                model=self._models.exchange(compiled_model(config, texts)),
                callbacks=extra,
                dashboard=_DASHBOARD,
                until_epoch=hp.values.get("tuner/epochs"),
                samples_at_end=True,
                keep_model=lambda outcome: self._keeps(self._result(outcome, start)),
                monitor=objective,
            )
            result = self._result(outcome, start)
            self.records.end(number, result)
        if not self.keeps_losers:
            self.records.drop_losers(checkpoints=not self.goes_on_with_trials)
        return result

    def _result(self, outcome: Outcome, start: float) -> TrialResult:
        objective = self.oracle.objective.name
        worst = worst_score(objective, len(self.hypermodel.vocabulary))
        best, best_epoch = outcome.best(objective) or (None, 0)
        last = outcome.history.last(objective)
        bad = best is None or best > worst or outcome.state == "diverged"
        return TrialResult(
            state=outcome.state,
            score=worst if bad else best,
            best=best,
            best_epoch=best_epoch,
            last=last if math.isfinite(last) else None,
            epochs=len(outcome.history),
            seconds=time.perf_counter() - start,
        )

    def _keeps(self, result: TrialResult) -> bool:
        """Whether a trial's model is the best so far, or kept whatever comes."""
        best = self.records.best()
        so_far = None if best is None else self.records.results()[best].score
        if result.best is None or result.score is None:
            return False
        return self.keeps_losers or so_far is None or result.score <= so_far


def _copies(callbacks: Sequence[Any], number: int) -> list[Any]:
    """Callbacks of a trial's own, of which those named as Keras' TensorBoard write to a folder of its own."""
    copies = copy.deepcopy(list(callbacks))
    for callback in copies:
        if type(callback).__name__ == "TensorBoard":
            callback.log_dir = str(Path(callback.log_dir) / str(number))
    return copies
