"""`RNNTuner`: runs trials as KerasTuner does, each as a run of its own, on shared compiled models."""

import io
import math
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from pathlib import Path
from typing import Any

import keras
import keras_tuner as kt

from lyric_lm.errors import SearchError
from lyric_lm.generation.generate import generate
from lyric_lm.generation.sampling import build_rules, build_sampler
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.runs.history import History
from lyric_lm.runs.record import describe_run
from lyric_lm.runs.run import MODEL, SAMPLES, Run
from lyric_lm.settings.config import TrainConfig
from lyric_lm.tuning.dashboards import TrialBoard, show_error
from lyric_lm.tuning.hypermodel import RNNHyperModel
from lyric_lm.tuning.keras_internals import TrialStatus, is_worker, print_no_tracebacks
from lyric_lm.tuning.median_rule import MedianRule
from lyric_lm.tuning.model_pool import ModelPool
from lyric_lm.tuning.oracles import DurableOracle
from lyric_lm.tuning.space import with_settings
from lyric_lm.tuning.trial_records import LAST, TrialRecords, TrialResult
from lyric_lm.tuning.trial_state import guessing_score, load_state, save_state, worst_score
from lyric_lm.tuning.trial_watch import TrialWatch

_IDLE_SECONDS = 0.5  # until an idle worker asks again


class RNNTuner(kt.Tuner):  # type: ignore[misc]
    """The tuner of `lyric_lm.tuning.search`; make one yourself only for an oracle of your own.

    A trial that diverges scores V², the square of the uniform guess's perplexity, and no score is worse than
    that; a hopeless one is ended early and scores its best epoch.

    Args:
        oracle: chooses the trials; its objective is minimised.
        hypermodel: builds and fits the models.
        run_dir: KerasTuner's state goes to `keras_tuner/`, each trial's run to `trials/`.
        pruning: whether hopeless trials are ended early.
        keep_checkpoints: whether the models of losing trials are kept.
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
        self._halving = isinstance(oracle, kt.oracles.HyperbandOracle)
        self._pruning = pruning and not self._halving
        self.keeps_models = keep_checkpoints
        self._models = ModelPool()
        # What runs beside a trial: a worker's sign of life to its chief.
        self.beside_trial: Callable[[str], AbstractContextManager[Any]] = nullcontext
        vocabulary_size = len(hypermodel.vocabulary)
        self._worst = worst_score(oracle.objective.name, vocabulary_size)
        self._guessing = guessing_score(oracle.objective.name, vocabulary_size)

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

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Run trials until the oracle has no more.

        Args:
            fit_args: as for `RNNHyperModel.fit`.
            fit_kwargs: as for `RNNHyperModel.fit`; callbacks are copied for each trial.
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
            with self.beside_trial(trial.trial_id):
                self._try_run_and_update_trial(trial, *fit_args, **fit_kwargs)
            self.on_trial_end(trial)
        self.on_search_end()

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        start = time.perf_counter()
        try:
            result = self._run_whole(trial, start, args, kwargs)
        except Exception as error:
            self._fail(trial.trial_id, error, time.perf_counter() - start)
            raise
        return {self.oracle.objective.name: float(result.score or 0)}

    def load_model(self, trial: Any) -> RNNModel:
        """The model of a trial that is done, with the weights of its best epoch.

        Raises:
            SearchError: its model was not kept.
        """
        folder = self.records.folder(trial.trial_id)
        if not (folder / MODEL).is_file():
            raise SearchError(
                f"The model of {folder} was not kept, only the best one is: ask for that alone, or search "
                "with --keep-checkpoints (keep_checkpoints=True)."
            )
        model: RNNModel = Run.open(folder).load_model()
        return model

    def _run_whole(self, trial: Any, start: float, args: Any, kwargs: Any) -> TrialResult:
        hypermodel, hp, trial_id = self.hypermodel, trial.hyperparameters, trial.trial_id
        config = hypermodel.train_config(hp)
        if self._halving and config.optimizer.schedule == "constant":  # else a shorter one decays otherwise
            config = with_settings(config, {"epochs": hp.values["tuner/epochs"]})
        record = describe_run(config, hypermodel.training, hypermodel.validation)
        with self.records.begin(trial_id, record) as run:
            board = TrialBoard(run.path, trial_id, hypermodel.varied(hp))
            keras.utils.set_random_seed(config.optimizer.seed)
            model = self._models.exchange(hypermodel.build(hp))
            watch = self._fit(trial, model, run, board, config, args, kwargs)
            result = self._result(watch, time.perf_counter() - start)
            if self._halving:
                save_state(model, run.path / LAST)
            samples = self._sample(model, watch, run, config) if watch.weights else []
            self._end(trial_id, run, model, result)
            board.finish(result, self.oracle.objective.name, samples)
        return result

    def _fit(
        self, trial: Any, model: Any, run: Run, board: TrialBoard, config: TrainConfig, args: Any, kwargs: Any
    ) -> TrialWatch:
        values, trial_id = trial.hyperparameters.values, trial.trial_id
        epochs = values["tuner/epochs"] if self._halving else config.optimizer.epochs
        kwargs = {"epochs": epochs, **kwargs}
        past: list[dict[str, float]] = []
        if self._halving:
            kwargs["initial_epoch"] = values["tuner/initial_epoch"]
        if earlier := values.get("tuner/trial_id"):
            past = self.records.rows(earlier)
            load_state(model, self.records.folder(earlier) / LAST)
        rule = MedianRule(kwargs["epochs"], self._guessing)

        def hopeless(objective: list[float]) -> bool:
            if not self._pruning or not rule.looks_at(len(objective)):
                return False
            run.write_history(History(watch.rows))  # for the other trials' rules
            return rule.hopeless(objective, self.records.other_histories(trial_id))

        watch = TrialWatch(
            self.oracle.objective.name,
            on_epoch=lambda rows: board.epoch(len(rows), rows[-1]),
            hopeless=hopeless,
            patience=config.optimizer.patience,
            past=past,
        )
        callbacks = self._deepcopy_callbacks(kwargs.pop("callbacks", []))
        self._configure_tensorboard_dir(callbacks, trial)
        self.hypermodel.fit(trial.hyperparameters, model, *args, callbacks=[*callbacks, watch], **kwargs)
        run.write_history(History(watch.rows))
        return watch

    def _sample(self, model: Any, watch: TrialWatch, run: Run, config: TrainConfig) -> list[str]:
        """Put back the best epoch's weights, and let the model write."""
        model.set_weights(watch.weights)
        samples = generate(
            model,
            list(config.report.prefixes),
            config.report.num_chars,
            sampler=build_sampler(config.sampling),
            rules=build_rules(config.sampling, self.hypermodel.training),
            seed=config.optimizer.seed,
        )
        run.write(SAMPLES, "".join(f"{sample}\n" for sample in samples))
        return samples

    def _result(self, watch: TrialWatch, seconds: float) -> TrialResult:
        last = watch.rows[-1][self.oracle.objective.name] if watch.rows else math.nan
        bad = watch.state == "diverged" or watch.best > self._worst
        return TrialResult(
            state=watch.state,
            score=self._worst if bad else watch.best,
            best=watch.best if math.isfinite(watch.best) else None,
            best_epoch=watch.best_epoch,
            last=last if math.isfinite(last) else None,
            epochs=len(watch.rows),
            seconds=seconds,
        )

    def _end(self, trial_id: str, run: Run, model: Any, result: TrialResult) -> None:
        """Write the result, and the model where it is or may become the best."""
        self.records.end(trial_id, result)
        keep_all = self.keeps_models or self._halving
        if result.best is not None and (keep_all or self.records.best() == trial_id):
            run.save_model(model)
        if not keep_all:
            self.records.drop_losers()

    def _fail(self, trial_id: str, error: Exception, seconds: float) -> None:
        # KerasTuner's messages to the chief leave the traceback behind.
        text = traceback.format_exc()
        last_line = " ".join("".join(traceback.format_exception_only(error)).split())
        self.records.fail(trial_id, text, TrialResult("failed", seconds=seconds, error=last_line))
        show_error(self.records.folder(trial_id), text)
