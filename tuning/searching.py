"""`search`: a whole search, alone or with other processes, from settings to the best model in a folder."""

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import filelock
import keras_tuner as kt
import tensorflow as tf

from lyric_lm.data import CorpusError
from lyric_lm.errors import RunLockedError, SearchError, SettingsError
from lyric_lm.runs.atomic_files import clear_write_errors
from lyric_lm.settings.config import TrainConfig
from lyric_lm.training import load_texts
from lyric_lm.tuning.chief import serve
from lyric_lm.tuning.dashboards import write_experiment
from lyric_lm.tuning.hypermodel import RNNHyperModel
from lyric_lm.tuning.identity import GO_ON, IDENTITY, check_same, identity_of, open_search
from lyric_lm.tuning.json_files import read_json
from lyric_lm.tuning.keras_internals import is_chief, is_worker
from lyric_lm.tuning.oracles import build_oracle
from lyric_lm.tuning.picture import draw_trials
from lyric_lm.tuning.report import trial_line
from lyric_lm.tuning.settings import SearchConfig, SearchRunConfig, ServiceConfig
from lyric_lm.tuning.space import SearchSpace, with_settings
from lyric_lm.tuning.trial_records import ERROR, copy_run
from lyric_lm.tuning.tuner import RNNTuner
from lyric_lm.tuning.workers import check_environment, local_workers, reach_chief, work


def search(
    config: TrainConfig | None = None,
    space: SearchSpace | None = None,
    *,
    settings: SearchConfig | None = None,
    run: SearchRunConfig | None = None,
    service: ServiceConfig | None = None,
    extra: Callable[[kt.HyperParameters, TrainConfig], TrainConfig] | None = None,
    callbacks: Sequence[Any] = (),
    write: Callable[[str], object] = print,
) -> RNNTuner:
    """Search a space, or go on with a search that was interrupted.

    Finished trials are never done again, whatever ended the process. Under KerasTuner's environment variables
    KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT the process is the chief ("chief" in
    its id) or a worker of a search in several processes, which share `run.run_dir`.

    Args:
        config: the settings that stay; None is the chapter's.
        space: those that vary; None is learning rate and hidden size.
        settings: how to search; None is 30 random trials with pruning.
        run: where to keep the search; None is `runs/search`.
        service: how the processes find each other; None is this process alone.
        extra: as for `RNNHyperModel`.
        callbacks: for each trial's `fit`, copied; one of a class named TensorBoard gets a folder per trial.
        write: called with a line for each finished trial.

    Returns:
        The tuner. Its `run_dir` holds `trials/`, a run each; `best/`, the best one's run; perplexity.png.

    Raises:
        SettingsError: nothing varies, values do not go together, or there is no such objective.
        CorpusError: the text cannot be read, or is too short for some sizes of the space.
        RunMismatchError: the folder holds a search of another space, objective, text or setting.
        SearchServiceError: a port is in use, the chief does not answer, or no worker is left.
        SearchError: the last trials all failed.
    """
    config, settings = config or TrainConfig(), settings or SearchConfig()
    run, service = run or SearchRunConfig(), service or ServiceConfig()
    check_environment()
    objective = settings.checked_objective(held_out=config.data.validates)
    texts = load_texts(config)
    hypermodel = RNNHyperModel(texts.training, texts.validation, base=config, space=space, extra=extra)
    _check_sizes(hypermodel)
    identity = identity_of(hypermodel, settings, objective)

    def tuner() -> RNNTuner:
        oracle = build_oracle(settings, objective, epochs=config.optimizer.epochs)
        return RNNTuner(
            oracle,
            hypermodel,
            run_dir=run.run_dir,
            pruning=settings.pruning,
            keep_checkpoints=run.keep_checkpoints,
        )

    if is_worker():

        def check() -> None:
            check_same(run.run_dir, read_json(run.run_dir / IDENTITY), identity)

        reach_chief(service.chief_timeout)
        check()
        worker = tuner()
        with _no_retracing_warnings():
            work(worker, service, check=check, callbacks=callbacks)
        return worker
    with _locked(run.run_dir):
        open_search(run.run_dir, identity, overwrite=run.overwrite)
        whole = tuner()
        total = settings.trial_limit
        whole.oracle.on_end = lambda trial: write(trial_line(whole, trial, total))
        whole.records.path.mkdir(exist_ok=True)
        write_experiment(whole.records.path, whole.oracle.get_space().space, objective)
        try:
            if is_chief():
                serve(whole.oracle, service, write=write)
            elif service.workers:
                _refuse_code(extra, callbacks)
                start = local_workers(config, hypermodel.space, settings, run, service)
                serve(whole.oracle, service, write=write, start_workers=start)
            else:
                with _no_retracing_warnings():
                    whole.search(callbacks=list(callbacks))
            if whole.oracle.is_through():
                whole.records.drop_states()
        finally:
            _conclude(whole)
    if whole.oracle.stopping or (whole.records.best() is None and whole.oracle.failures_at_end()):
        raise SearchError(_all_failed(whole))
    return whole


def _conclude(tuner: RNNTuner) -> None:
    """Leave a picture, and the best run so far in a folder of its own."""
    best = tuner.records.best()
    if best is None:
        return
    if not tuner.keeps_models:
        tuner.records.drop_losers()
    draw_trials(tuner)
    copy_run(tuner.records.folder(best), tuner.run_dir / "best")


def _check_sizes(hypermodel: RNNHyperModel) -> None:
    """Make sure that each size of the space fits the text."""
    searched = hypermodel.space.searched(hypermodel.base)
    names = [name for name in ("batch_size", "num_steps") if name in searched]
    for values in itertools.product(*(searched[name] for name in names)):
        config = with_settings(hypermodel.base, dict(zip(names, values, strict=True)))
        try:
            hypermodel.batches(config)
        except CorpusError as error:
            raise CorpusError(f"The space is too large for the text. {error}") from error


def _refuse_code(extra: Any, callbacks: Sequence[Any]) -> None:
    if extra is not None or callbacks:
        raise SettingsError(
            "Workers started here know the space of the flags only: for callbacks or code of your own start "
            "the script itself several times, with KerasTuner's environment variables."
        )


def _all_failed(tuner: RNNTuner) -> str:
    last = tuner.oracle.end_order[-1]
    result = tuner.records.result(last)
    count = tuner.oracle.failures_at_end()
    which = "The last trial" if count == 1 else f"The last {count} trials"
    why = result.error if result else "no trace"
    return (
        f"{which} failed, the last with {why}: mend that, see {tuner.records.folder(last) / ERROR}, and "
        f"{GO_ON}; finished trials are kept, failed ones done again."
    )


@contextlib.contextmanager
def _locked(run_dir: Path) -> Iterator[None]:
    if run_dir.is_file():
        yield  # which open_search refuses
        return
    with clear_write_errors(run_dir):
        run_dir.mkdir(parents=True, exist_ok=True)
        try:
            lock = filelock.FileLock(run_dir / ".lock", blocking=False).acquire()
        except filelock.Timeout:
            lock = None
    if lock is None:
        raise RunLockedError(
            f"Another search is at work in {run_dir}: wait for its end, or choose another --run-dir."
        )
    with lock:
        yield


@contextlib.contextmanager
def _no_retracing_warnings() -> Iterator[None]:
    """Keep TensorFlow from blaming one function for being traced, where it is one for each model."""

    def keep(record: logging.LogRecord) -> bool:
        return "triggered tf.function retracing" not in record.getMessage()

    tf.get_logger().addFilter(keep)
    try:
        yield
    finally:
        tf.get_logger().removeFilter(keep)
