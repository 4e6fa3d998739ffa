"""`search`: a whole search, alone or with other processes, from settings to the best model in a folder."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras_tuner as kt

from lyric_lm.data import CorpusError
from lyric_lm.errors import SearchError, SettingsError
from lyric_lm.model.keras_internals import tracing_expected
from lyric_lm.runs.folder_lock import lock_folder
from lyric_lm.runs.json_files import read_json
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import TrainConfig
from lyric_lm.settings.search import SearchConfig, SearchRunConfig, ServiceConfig
from lyric_lm.training.fitting import load_fitted
from lyric_lm.tuning.chief import serve
from lyric_lm.tuning.dashboards import write_experiment
from lyric_lm.tuning.hypermodel import RNNHyperModel
from lyric_lm.tuning.identity import GO_ON, IDENTITY, check_same, identity_of, open_search
from lyric_lm.tuning.keras_internals import is_chief, is_worker
from lyric_lm.tuning.oracles import build_oracle
from lyric_lm.tuning.report import draw_picture, trial_line
from lyric_lm.tuning.space import DEFAULT_SPACE, SearchSpace
from lyric_lm.tuning.trial_records import ERROR, trial_number
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
        callbacks: for each trial, copied; one of a class named TensorBoard gets a folder per trial.
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
    settings, run, service = settings or SearchConfig(), run or SearchRunConfig(), service or ServiceConfig()
    check_environment()
    config = (space or DEFAULT_SPACE).fixed(config or TrainConfig())
    objective = settings.checked_objective(held_out=config.corpus.validates)
    config, texts = load_fitted(config, write)
    hypermodel = RNNHyperModel(texts.training, texts.validation, base=config, space=space, extra=extra)
    _check_sizes(hypermodel)
    if is_worker():
        return _work(hypermodel, objective, settings, run, service, callbacks)
    if service.workers and (extra is not None or callbacks):
        raise SettingsError(
            "Workers started here know the space of the flags only: for callbacks or code of your own start "
            "the script itself several times, with KerasTuner's environment variables."
        )
    with lock_folder(run.run_dir):
        open_search(run.run_dir, identity_of(hypermodel, settings, objective), overwrite=run.overwrite)
        tuner = _tuner(hypermodel, objective, settings, run)
        oracle, records = tuner.oracle, tuner.records
        oracle.on_end = lambda trial: write(trial_line(tuner, trial, settings.trial_limit))
        records.path.mkdir(exist_ok=True)
        write_experiment(records.path, oracle.get_space().space, held_out=texts.validation is not None)
        through = False
        try:
            if is_chief():
                serve(oracle, service, write=write)
            elif service.workers:
                start = local_workers(config, hypermodel.space, settings, run, service)
                serve(oracle, service, write=write, start_workers=start)
            else:
                with tracing_expected():
                    tuner.search(callbacks=callbacks)
            through = oracle.is_through()
        finally:
            _conclude(tuner, through=through)
    if oracle.stopping or (records.best() is None and oracle.failures_at_end()):
        raise SearchError(_all_failed(tuner))
    return tuner


def _tuner(
    hypermodel: RNNHyperModel, objective: str, settings: SearchConfig, run: SearchRunConfig
) -> RNNTuner:
    oracle = build_oracle(settings, objective, epochs=hypermodel.base.optimizer.epochs)
    return RNNTuner(
        oracle,
        hypermodel,
        run_dir=run.run_dir,
        pruning=settings.pruning,
        keep_checkpoints=run.keep_checkpoints,
    )


def _work(
    hypermodel: RNNHyperModel,
    objective: str,
    settings: SearchConfig,
    run: SearchRunConfig,
    service: ServiceConfig,
    callbacks: Sequence[Any],
) -> RNNTuner:
    """Do trials for the chief of the same search."""
    identity = identity_of(hypermodel, settings, objective)

    def check() -> None:
        check_same(run.run_dir, read_json(run.run_dir / IDENTITY), identity)

    reach_chief(service.chief_timeout)
    check()
    tuner = _tuner(hypermodel, objective, settings, run)
    with tracing_expected():
        work(tuner, service, check=check, callbacks=callbacks)
    return tuner


def _conclude(tuner: RNNTuner, *, through: bool) -> None:
    """Leave a picture, and the best run so far in a folder of its own."""
    if tuner.records.best() is None:
        return
    if not tuner.keeps_losers:
        tuner.records.drop_losers(checkpoints=through or not tuner.goes_on_with_trials)
    draw_picture(tuner)
    tuner.records.copy_best(tuner.run_dir / "best")


def _check_sizes(hypermodel: RNNHyperModel) -> None:
    """Make sure that each size of the space fits the text."""
    searched = hypermodel.space.searched(hypermodel.base)
    names = [name for name in ("batch_size", "num_steps") if name in searched]
    for values in itertools.product(*(searched[name] for name in names)):
        config = with_settings(hypermodel.base, dict(zip(names, values, strict=True)))
        try:
            hypermodel.texts.batches(config)
        except CorpusError as error:
            raise CorpusError(f"The space is too large for the text. {error}") from error


def _all_failed(tuner: RNNTuner) -> str:
    last = trial_number(tuner.oracle.end_order[-1])
    result = tuner.records.result(last)
    count = tuner.oracle.failures_at_end()
    which = "The last trial" if count == 1 else f"The last {count} trials"
    why = result.error if result else "no trace"
    return (
        f"{which} failed, the last with {why}: mend that, see {tuner.records.folder(last) / ERROR}, and "
        f"{GO_ON}; finished trials are kept, failed ones done again."
    )
