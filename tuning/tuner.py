"""`RNNTuner`: runs trials as KerasTuner does, each one a training and a run like any other."""

import copy
import functools
import io
import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from pathlib import Path
from typing import Any

import keras_tuner as kt

from lyric_lm.callbacks import ExactResume, TensorBoard
from lyric_lm.callbacks.dashboard.hparams import listed_settings
from lyric_lm.callbacks.epoch_progress import Watch, unwatched
from lyric_lm.errors import SearchError
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.runs.record import describe_run
from lyric_lm.runs.run import MODEL, Run
from lyric_lm.settings.config import TrainConfig
from lyric_lm.training import Outcome, compiled_model, train
from lyric_lm.tuning.hypermodel import RNNHyperModel
from lyric_lm.tuning.keras_internals import TrialStatus, is_worker
from lyric_lm.tuning.median_stop import MedianRule, MedianStop
from lyric_lm.tuning.model_pool import ModelPool
from lyric_lm.tuning.oracles import DurableOracle, HyperbandOracle, score_of_perplexity
from lyric_lm.tuning.trial_records import TrialRecords, TrialResult, trial_number

_IDLE_SECONDS = 0.5  # until an idle worker asks again


class RNNTuner(kt.engine.base_tuner.BaseTuner):  # type: ignore[misc]
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
        self.objective: str = oracle.objective.name
        self.records = TrialRecords(run_dir / "trials", self.objective)
        # What runs beside a trial: a worker's sign of life to its chief.
        self.beside_trial: Callable[[], AbstractContextManager[Any]] = nullcontext
        self.watch: Watch = unwatched
        self._keeps_losers = keep_checkpoints
        self._goes_on_with_trials = isinstance(oracle, HyperbandOracle)  # in later rounds
        self._prunes = pruning and not self._goes_on_with_trials
        self._models = ModelPool()
        self._say_once = functools.cache(print)  # each trial has the same callbacks

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
        while True:
            trial = self.oracle.create_trial(self.tuner_id)
            if trial.status == TrialStatus.STOPPED:
                break
            if trial.status == TrialStatus.IDLE:
                time.sleep(_IDLE_SECONDS)
                continue
            with self.beside_trial():
                try:
                    score = self.run_trial(trial, callbacks=callbacks)
                except kt.errors.FatalError:
                    raise
                except Exception as error:
                    self.records.fail(trial_number(trial.trial_id), error)
                    trial.status = TrialStatus.FAILED
                else:
                    self.oracle.update_trial(trial.trial_id, {self.objective: score})
                    trial.status = TrialStatus.COMPLETED
            self.oracle.end_trial(trial)

    def run_trial(self, trial: Any, *, callbacks: Sequence[Any] = ()) -> float:
        """Train with a trial's settings, in a run of its own.

        Returns:
            The score.
        """
        start, number, hp = time.perf_counter(), trial_number(trial.trial_id), trial.hyperparameters
        config, texts = self.hypermodel.train_config(hp), self.hypermodel.texts
        record = describe_run(config, texts.training, texts.validation)
        earlier = hp.values.get("tuner/trial_id")  # whose training this one goes on with
        after = None if earlier is None else trial_number(earlier)
        with self.records.begin(number, record, after=after) as run:
            outcome = train(
                config,
                texts=texts,
                run=run,
                model=self._models.exchange(compiled_model(config, texts), config),
                callbacks=[
                    *_copies(callbacks, number),
                    *self.watch(f"trial {number}", config.optimizer.epochs),
                    *self._own_callbacks(number, hp, config, run),
                ],
                until_epoch=hp.values.get("tuner/epochs"),
                samples_at_end=True,
                monitor=self.objective,
            )
            result = self._result(outcome, seconds=time.perf_counter() - start)
            self.records.end(number, result)
        self.drop_losers()
        return result.score or 0.0

    def drop_losers(self, *, for_good: bool = False) -> None:
        """Delete the models of losing trials, and their checkpoints.

        Args:
            for_good: whether no trial will go on with an earlier one's checkpoint any more.
        """
        if not self._keeps_losers:
            self.records.drop_losers(checkpoints=for_good or not self._goes_on_with_trials)

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

    def _own_callbacks(self, number: int, hp: Any, config: TrainConfig, run: Run) -> list[Any]:
        epochs = config.optimizer.epochs
        settings = listed_settings(config, first=self.hypermodel.varied(hp))
        # Samples, histograms and pictures of every trial would take a good part of its time.
        board = TensorBoard(
            run.tensorboard,
            [],
            samples_every=None,
            histograms_every=None,
            settings=settings,
            name=f"trial {number} ({self.run_dir})",
        )
        resume = ExactResume(run.checkpoints, every=epochs, report=self._say_once)
        if not self._prunes:
            return [board, resume]
        rule = MedianRule(epochs, score_of_perplexity(self.objective, len(self.hypermodel.vocabulary)))
        others = functools.partial(self.records.other_values, number)
        return [MedianStop(self.objective, rule, others=others, stop=resume.stop), board, resume]

    def _result(self, outcome: Outcome, *, seconds: float) -> TrialResult:
        # V² is a number, since KerasTuner takes NaN for a failure and infinity for a zero; and nothing is
        # worse, since one wild trial would hide the differences of all others from a Gaussian process.
        worst = score_of_perplexity(self.objective, len(self.hypermodel.vocabulary) ** 2)
        best, best_epoch = outcome.best(self.objective) or (None, 0)
        score = worst if best is None or outcome.state == "diverged" else min(best, worst)
        last = outcome.history.last(self.objective)
        figures = (score, best, best_epoch, last if math.isfinite(last) else None, len(outcome.history))
        return TrialResult(outcome.state, *figures, seconds)


def _copies(callbacks: Sequence[Any], number: int) -> list[Any]:
    """Callbacks of a trial's own, of which those named as Keras' TensorBoard write to a folder of its own."""
    copies = copy.deepcopy(list(callbacks))
    for callback in copies:
        if type(callback).__name__ == "TensorBoard":
            callback.log_dir = str(Path(callback.log_dir) / str(number))
    return copies
