"""`train`: the one training, from settings to a trained model in a run folder."""

from collections.abc import Callable, Sequence

import keras

from lyric_lm.callbacks.exact_resume import ExactResume
from lyric_lm.callbacks.standard import StandardCallbacks
from lyric_lm.model.growth import open_characters
from lyric_lm.model.notebook_bar import in_notebook
from lyric_lm.model.replicas import is_chief
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.runs.card import run_card
from lyric_lm.runs.history import History
from lyric_lm.runs.kept_texts import keep_texts
from lyric_lm.runs.run import CARD, Run
from lyric_lm.settings.config import DashboardConfig, TrainConfig
from lyric_lm.settings.devices import DeviceConfig
from lyric_lm.training.building import compiled_model, sample_writer
from lyric_lm.training.devices import strategy_of, told_of_lost_workers
from lyric_lm.training.fitting import fit_settings
from lyric_lm.training.outcome import Outcome, State
from lyric_lm.training.parent import Parent
from lyric_lm.training.texts import Texts, read_texts


def train(
    config: TrainConfig,
    *,
    texts: Texts | None = None,
    run: Run | None = None,
    model: RNNModel | None = None,
    parent: Parent | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    show: Callable[[str], object] | None = None,
    dashboard: DashboardConfig | None = None,
    devices: DeviceConfig | None = None,
    until_epoch: int | None = None,
    samples_at_end: bool = False,
    monitor: str | None = None,
) -> Outcome:
    """Train a model on a text, or go on with a run that was interrupted.

    Args:
        config: the settings; the default is the chapter's. Batch sizes and prefixes that have their defaults
            suit the text, as in the command; the run keeps what they became.
        texts: what to learn and to validate on; None reads what the settings name.
        run: where to write checkpoints, history.csv, samples.txt, model.keras and README.md. Where it holds
            checkpoints, the training goes on from the newest. None writes nothing.
        model: from `compiled_model` with the same settings, or one that equals it; None builds one.
        parent: an earlier run to go on from, where neither `texts` nor `model` already does. Its settings for
            a new text are `parent.settings_for(...)`; the record of `run` has its `heritage`.
        callbacks: more callbacks, placed as `StandardCallbacks` says; an `ExactResume` among them replaces
            the run's own, which writes a checkpoint every ten epochs.
        show: called with each line of the reports, above which a notebook has a progress bar; None shows
            nothing, and prints warnings.
        dashboard: what TensorBoard's logs in the run hold; None writes none.
        devices: where the model is trained, if it is not given; None: on one device.
        until_epoch: the last epoch for now, where the settings have more; the run can be gone on with.
        samples_at_end: whether samples.txt gets samples of the model that the training ended with, too.
        monitor: the metric whose best epoch's model is kept where no text is held out; None keeps the last
            epoch's. Where one is held out, it is val_perplexity.

    Returns:
        The outcome, with the model of the last epoch, or, where a text is held out, of the one with the best
        val_perplexity. A training that diverges ends with the model of the last good epoch.

    Raises:
        CorpusError: the text cannot be read or is too short.
        UnknownCharacterError: a prefix to report holds a character that the text lacks.
        SettingsError: the model would not fit into this machine's memory; the settings name another network
            than the parent's; devices are not there, or a batch does not divide by them.
        CheckpointError: the run's checkpoints are all damaged, or of another model.
        RunWriteError: a file of the run cannot be written; the last good state stays.
        ClusterError: another worker is gone.
    """
    # First of all: a cluster is joined before TensorFlow does anything else.
    strategy = strategy_of(devices or DeviceConfig()) if model is None else model.strategy
    written = run if is_chief(strategy) else None  # of several workers one writes, and all resume
    if parent is not None:
        parent.check(config)
    if texts is None:
        texts = read_texts(config.corpus) if parent is None else parent.texts(config.corpus)
    config, notes = fit_settings(config, texts)
    texts.check(config)
    if notes and written is not None:
        written.write_record({**written.record(), "settings": config.to_dict()})
    for note in notes:
        (show or print)(note)
    samples = sample_writer(config, texts)
    model = compiled_model(config, texts, devices, parent=parent) if model is None else model
    open_characters(model)
    epochs = min(until_epoch or config.optimizer.epochs, config.optimizer.epochs)
    resumes = any(isinstance(callback, ExactResume) for callback in callbacks)
    if run is not None and written is None and not resumes:
        callbacks = [*callbacks, ExactResume(run.checkpoints, [])]
    standard = StandardCallbacks.of(
        config,
        callbacks,
        samples=samples,
        copy_index=lambda: texts.copy_index,
        run=written,
        show=show,
        dashboard=dashboard,
        monitor=monitor if texts.validation is None else "val_perplexity",
    )
    if written is not None and not keep_texts(written, texts.training, texts.validation) and show is not None:
        show("The run keeps no text so long: leave its files where they are, for --max-copy and evaluate.")
    with told_of_lost_workers(strategy):
        model.fit(
            texts.batches(config),
            validation_data=texts.validation_batches,
            epochs=epochs,
            verbose="auto" if show is not None and in_notebook() else 0,
            callbacks=standard.in_order(),
        )
    outcome = _outcome(model, standard)
    if written is not None and outcome.epoch:
        if (
            samples_at_end
            and standard.samples is not None
            and not standard.samples.has_reported(outcome.epoch)
        ):
            standard.samples.report(outcome.epoch, dict(outcome.history.rows[outcome.epoch - 1]))
        written.save_model(model)
        written.write(CARD, run_card(written.record(), outcome.history, path=str(written.path)))
    return outcome


def _outcome(model: RNNModel, callbacks: StandardCallbacks) -> Outcome:
    history = History(callbacks.history.epochs)
    best = history.best(callbacks.best.monitor) if callbacks.best is not None else None
    epoch = callbacks.last_good.epoch if best is None else best[1]
    state: State = callbacks.ending() or "finished"
    if state == "finished" and callbacks.resume is not None and callbacks.resume.stopped:
        state = "stopped"
    message = callbacks.last_good.message() if state == "diverged" else ""
    return Outcome(model, epoch, history, state, message)
