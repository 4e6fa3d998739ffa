"""`search`: a whole search, alone or with other processes, from settings to the best model in a folder."""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras_tuner as kt

from lyric_lm.callbacks.epoch_progress import Watch, unwatched
from lyric_lm.data import CorpusError
from lyric_lm.errors import SearchError, SettingsError
from lyric_lm.runs.folder_lock import lock_folder
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import TrainConfig
from lyric_lm.settings.search import SearchConfig, SearchRunConfig, ServiceConfig
from lyric_lm.settings.space import DEFAULT_SPACE, SearchSpace
from lyric_lm.training.fitting import load_fitted
from lyric_lm.tuning.chief import serve
from lyric_lm.tuning.hypermodel import RNNHyperModel
from lyric_lm.tuning.identity import GO_ON, check_same, identity_of, open_search
from lyric_lm.tuning.keras_internals import is_chief, is_worker
from lyric_lm.tuning.oracles import build_oracle
from lyric_lm.tuning.report import draw_picture, found_so_far, trial_line
from lyric_lm.tuning.trial_records import ERROR, trial_number
from lyric_lm.tuning.tuner import RNNTuner
from lyric_lm.tuning.workers import LocalWorkers, check_environment, work, worker_command


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
    watch: Watch = unwatched,
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
        write: called with a line for each finished trial; first, by a search that goes on, for what it found.
        watch: called with each trial's name and epochs in this process, for callbacks that only look on.

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
    identity = identity_of(hypermodel, settings, objective)

    def new_tuner() -> RNNTuner:
        oracle = build_oracle(settings, objective, epochs=config.optimizer.epochs)
        options = {"pruning": settings.pruning, "keep_checkpoints": run.keep_checkpoints}
        tuner = RNNTuner(oracle, hypermodel, run_dir=run.run_dir, **options)
        tuner.watch = watch
        return tuner

    if is_worker():
        check = functools.partial(check_same, run.run_dir, identity)
        return work(new_tuner, service, check=check, callbacks=callbacks)
    if service.workers and (extra is not None or callbacks):
        raise SettingsError(
            "Workers started here know the space of the flags only: for callbacks or code of your own start "
            "the script itself several times, with KerasTuner's environment variables."
        )
    with lock_folder(run.run_dir):
        open_search(run.run_dir, identity, overwrite=run.overwrite)
        tuner = new_tuner()
        if found := found_so_far(tuner):
            write(found)
        tuner.oracle.on_end = lambda trial: write(trial_line(tuner, trial, settings.trial_limit))
        try:
            if is_chief():
                serve(tuner.oracle, service, write=write)
            elif service.workers:
                command = worker_command(config, hypermodel.space, settings, run, service)
                commands = {f"worker-{i}": command for i in range(1, service.workers + 1)}
                start = functools.partial(LocalWorkers, commands, run.run_dir / "workers")
                serve(tuner.oracle, service, write=write, start_workers=start)
            else:
                tuner.search(callbacks=callbacks)
        except BaseException:
            _conclude(tuner, through=False)
            raise
        _conclude(tuner, through=tuner.oracle.is_through())
    if tuner.oracle.stopping or (tuner.records.best() is None and tuner.oracle.failures_at_end()):
        raise SearchError(_all_failed(tuner))
    return tuner


def _conclude(tuner: RNNTuner, *, through: bool) -> None:
    """Leave a picture, and the best run so far in a folder of its own."""
    if tuner.records.best() is not None:
        tuner.drop_losers(for_good=through)
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
