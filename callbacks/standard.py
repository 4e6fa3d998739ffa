"""`StandardCallbacks`: the callbacks of a training, in the order in which each needs the others."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal, Self

import keras

from lyric_lm.callbacks.dashboard.hparams import listed_settings
from lyric_lm.callbacks.epoch_guards import EndingCallback, LastGoodModel, RunHistory
from lyric_lm.callbacks.exact_resume import ExactResume
from lyric_lm.callbacks.lyric_samples import LyricSamples
from lyric_lm.callbacks.memory import has_memory
from lyric_lm.callbacks.tensorboard import TensorBoard
from lyric_lm.callbacks.validation_report import ValidationReport
from lyric_lm.generation.sample_writer import SampleWriter
from lyric_lm.originality.copy_index import CopyIndex
from lyric_lm.runs.run import SAMPLES, Run
from lyric_lm.settings.config import DashboardConfig, OptimizerConfig, RunConfig, TrainConfig


@dataclasses.dataclass(frozen=True)
class StandardCallbacks:
    """The callbacks of a training; the order of the fields is the order in which they are called."""

    validation: ValidationReport | None  # its line stands above the samples
    samples: LyricSamples | None  # adds to the logs how much is copied
    extra: Sequence[keras.callbacks.Callback]  # the caller's; they may add to the logs, or end the training
    dashboard: TensorBoard | None  # draws the logs, what those above added included
    last_good: LastGoodModel
    history: RunHistory  # writes the logs
    best: keras.callbacks.EarlyStopping | None  # after `last_good`, whose weights it replaces at the end
    resume: ExactResume | None  # keeps what all the others remember

    @classmethod
    def of(
        cls,
        config: TrainConfig,
        extra: Sequence[keras.callbacks.Callback] = (),
        *,
        samples: SampleWriter,
        copy_index: Callable[[], CopyIndex],
        run: Run | None,
        show: Callable[[str], object] | None,
        dashboard: DashboardConfig | None,
        monitor: str | None,
    ) -> Self:
        """The callbacks that a training with these settings needs; the arguments are those of `train`.

        Args:
            config: the settings.
            extra: the caller's callbacks; an `ExactResume` among them takes the place of the run's own, and
                remembers all that say what they remember.
            samples: how samples are written.
            copy_index: called where samples are reported, for the index of the training text.
            run: where files go; None writes none.
            show: called with each line of the reports; None shows none.
            dashboard: what TensorBoard's logs in the run hold; None writes none.
            monitor: the metric whose best epoch's weights are kept; None keeps the last epoch's.
        """
        resume = next((callback for callback in extra if isinstance(callback, ExactResume)), None)
        if resume is None and run is not None:
            every = RunConfig.checkpoint_every
            resume = ExactResume(run.checkpoints, every=every, report=show or print)
        best = _best_epoch_keeper(config.optimizer, monitor) if monitor else None
        standard = cls(
            validation=ValidationReport(every=config.report.every, write=show) if show else None,
            samples=_reports(config, samples, copy_index, run, show, best) if run or show else None,
            extra=[callback for callback in extra if callback is not resume],
            dashboard=_dashboard(config, samples, run, dashboard),
            last_good=LastGoodModel(run),
            history=RunHistory(run),
            best=best,
            resume=resume,
        )
        if resume is not None and resume.remember is not None:
            others = [callback for callback in standard.in_order() if callback is not resume]
            resume.remember += [c for c in others if has_memory(c) and c not in resume.remember]
        return standard

    def in_order(self) -> list[keras.callbacks.Callback]:
        """All of them, as `fit` takes them."""
        ours = [self.dashboard, self.last_good, self.history, self.best, self.resume]
        return [c for c in [self.validation, self.samples, *self.extra, *ours] if c is not None]

    def ending(self) -> Literal["pruned", "diverged"] | None:
        """What the callback that ended the training early calls that; None where none did."""
        endings = (c.ending for c in self.in_order() if isinstance(c, EndingCallback))
        return next(filter(None, endings), None)


def _reports(
    config: TrainConfig,
    samples: SampleWriter,
    copy_index: Callable[[], CopyIndex],
    run: Run | None,
    show: Callable[[str], object] | None,
    best: keras.callbacks.EarlyStopping | None,
) -> LyricSamples:
    """Shows the reports, and keeps them in samples.txt without their times."""

    def write(line: str) -> None:
        if show is not None:
            show(line)
        if run is not None:
            run.write(SAMPLES, "".join(line + "\n" for line in reports.lines))

    report = config.report
    reports = LyricSamples(
        samples,
        every=report.every,
        copy_index=copy_index(),
        print_copied=report.copied,
        write=write,
        last_epoch=config.optimizer.epochs,  # of the training, which `until_epoch` may interrupt
        is_over=lambda: best is not None and bool(best.stopped_epoch),  # not by a signal or a search
    )
    return reports


def _dashboard(
    config: TrainConfig, samples: SampleWriter, run: Run | None, dashboard: DashboardConfig | None
) -> TensorBoard | None:
    if run is None or dashboard is None or not dashboard.tensorboard:
        return None
    return TensorBoard(
        run.tensorboard,
        samples,
        samples_every=dashboard.samples_every,
        histograms_every=dashboard.histograms_every,
        settings=listed_settings(config),
        # The page shows about sixteen letters; the folder around it keeps runs of one name apart.
        name=f"{run.path.resolve().name} ({run.path.parent})",
        profile_epoch=dashboard.profile_epoch,
    )


def _best_epoch_keeper(config: OptimizerConfig, monitor: str) -> keras.callbacks.EarlyStopping:
    """Keeps the weights of the epoch in which a metric is best, and stops where that stays away too long."""
    return keras.callbacks.EarlyStopping(
        monitor=monitor,
        mode="min",
        patience=config.epochs if config.patience is None else config.patience,
        restore_best_weights=True,
    )
