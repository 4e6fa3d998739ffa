"""`lyric-lm train`."""

import dataclasses
import datetime
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from lyric_lm.cli.progress import progress
from lyric_lm.cli.start import seconds_since_start
from lyric_lm.cli.stopping import stop_at_epoch_end
from lyric_lm.data.printable import printable
from lyric_lm.errors import SettingsError
from lyric_lm.settings.config import DashboardConfig, RunConfig, TrainConfig
from lyric_lm.settings.devices import DeviceConfig

if TYPE_CHECKING:
    from lyric_lm.runs.run import Run
    from lyric_lm.training import Parent, Texts

TENSORBOARD_FLAGS = "--samples_per_plugin=text=100,images=100"  # by default it shows ten of each prefix


@dataclasses.dataclass(frozen=True)
class Train:
    """Train a model and watch it learn; by default as in chapter 6.5 of Dive into Deep Learning."""

    config: TrainConfig
    run_config: RunConfig
    dashboard: DashboardConfig = dataclasses.field(default_factory=DashboardConfig)
    devices: DeviceConfig = dataclasses.field(default_factory=DeviceConfig)
    # what the other flags default to: the chapter's settings, or those for new lines instead of copies
    recipe: Literal["chapter", "generalize"] = "chapter"
    # an earlier run, whose model and settings this training goes on from
    from_run: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    dry_run: bool = False  # train a few steps, say what the whole run will cost, and write nothing

    def __post_init__(self) -> None:
        if self.dry_run and self.run_config.resume:
            raise ValueError("`dry_run` says what a new run costs: leave out `resume`")
        if self.from_run is not None and self.run_config.resume:
            raise ValueError(
                "Give either `from` or `resume`, not both: a run that goes on from another knows it"
            )

    def run(self) -> int:
        """Say what is trained on which text, train, print the reports and say where the run is.

        Returns:
            The exit status: 0, or 128 and the number of the signal that stopped the training.
        """
        from lyric_lm.training.devices import check_batches, strategy_of

        if self.devices.strategy == "multiworker" and self.run_config.run_dir is None:
            raise SettingsError("strategy=multiworker needs --run-dir, a folder that all workers see.")
        header: list[str] = []
        strategy = strategy_of(self.devices)  # a cluster is joined before a model is read
        parent = self._parent()
        config, texts = self._fitted(parent, header.append)  # what cannot be used leaves no folder behind
        check_batches(config, strategy)
        if self.dry_run:
            self._reckon_up(config, texts, parent, header)
            return 0
        return dataclasses.replace(self, config=config)._train(texts, parent, header)

    def _reckon_up(
        self, config: TrainConfig, texts: "Texts", parent: "Parent | None", header: list[str]
    ) -> None:
        """Print what a training would cost."""
        from lyric_lm.cli.cost_report import cost_report
        from lyric_lm.cli.header import text_header
        from lyric_lm.training.cost import measure_cost

        for line in [*text_header(config, texts), *header]:
            _say(line)
        cost = measure_cost(config, texts, parent, self.devices, before=seconds_since_start())
        for line in cost_report(config, cost):
            _say(line)

    def _train(self, texts: "Texts", parent: "Parent | None", header: list[str]) -> int:
        from lyric_lm.callbacks import ExactResume
        from lyric_lm.cli.header import model_header, parent_header, text_header
        from lyric_lm.errors import DivergedError
        from lyric_lm.model.replicas import is_chief
        from lyric_lm.training import compiled_model, train
        from lyric_lm.training.devices import strategy_of

        epochs = self.config.optimizer.epochs
        chief = is_chief(strategy_of(self.devices))
        with (
            self._open_run(texts, parent, chief) as run,
            progress(shown=chief) as (show, watch),
        ):
            for line in [*text_header(self.config, texts), *header]:
                show(line)
            model = compiled_model(self.config, texts, self.devices, parent=parent)
            if parent is not None:
                show(parent_header(parent, texts))
            show(model_header(self.config, model, run_dir=str(run.path)))
            resume = ExactResume(run.checkpoints, [], every=self.run_config.checkpoint_every, report=show)
            with stop_at_epoch_end(resume.stop, tell=_tell) as signals:
                outcome = train(
                    self.config,
                    texts=texts,
                    model=model,
                    run=run,
                    callbacks=[*watch("", epochs), resume],
                    show=show,
                    dashboard=self.dashboard,
                )
        if outcome.state == "diverged":
            raise DivergedError(outcome.message)
        if not chief:
            return 128 + signals[0] if outcome.state == "stopped" else 0
        path = shlex.quote(printable(str(run.path)))
        if self.dashboard.tensorboard:
            folder = shlex.quote(printable(str(run.tensorboard)))
            flags = f"--logdir {folder} {TENSORBOARD_FLAGS}"
            print(f"See it at http://localhost:6006/?smoothing=0 with: tensorboard {flags}")
        if outcome.state == "stopped":
            print(
                f"Stopped after epoch {len(outcome.history)} of {epochs}. "
                f"Go on with: lyric-lm train --resume --run-dir {path}"
            )
            return 128 + signals[0]
        print(f"Saved in {path}. Write with it: lyric-lm generate --run-dir {path}")
        return 0

    def _parent(self) -> "Parent | None":
        """The run to go on from; where one is resumed, its parent, if it must begin again."""
        from lyric_lm.errors import SettingsError
        from lyric_lm.runs.run import Run
        from lyric_lm.training import Parent

        path = self.run_config.run_dir
        if self.run_config.resume and path is not None:
            run = Run.open(path)
            return Parent.of(run) if run.begins_again else None
        if self.from_run is None:
            return None
        if self.run_config.overwrite and path is not None and path.resolve() == self.from_run.resolve():
            raise SettingsError(
                f"--overwrite would delete {path}, which --from goes on from: choose another --run-dir."
            )
        return Parent.open(self.from_run)

    def _fitted(self, parent: "Parent | None", tell: Callable[[str], object]) -> "tuple[TrainConfig, Texts]":
        """The settings and the texts to learn: those of a run to go on with wherever they are now."""
        from lyric_lm.runs.record import check_settings
        from lyric_lm.runs.run import Run
        from lyric_lm.training.fitting import load_fitted
        from lyric_lm.training.texts import texts_of

        if not self.run_config.resume or self.run_config.run_dir is None:
            return load_fitted(self.config, tell, parent)
        run = Run.open(self.run_config.run_dir)
        check_settings(run.settings(), self.config)
        return self.config, texts_of(run, self.config.corpus)

    def _open_run(self, texts: "Texts", parent: "Parent | None", chief: bool) -> "Run":
        """The run folder: a new one or the one to go on with, locked unless another worker writes it."""
        from lyric_lm.runs.record import changed_versions, check_corpus, describe_run
        from lyric_lm.runs.run import Run

        path = self.run_config.run_dir
        if not chief and path is not None:
            return Run(path)
        if path is None:
            path = Path("runs") / datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        is_resumed = self.run_config.resume
        heritage = None if parent is None else parent.heritage
        if is_resumed:
            heritage = Run.open(path).record().get("heritage")
        record = describe_run(self.config, texts.training, texts.validation, heritage=heritage)
        run = (
            Run.resume(path) if is_resumed else Run.create(path, record, overwrite=self.run_config.overwrite)
        )
        try:
            before = run.record()
            check_corpus(before, texts.training, texts.validation)
            run.write_record(record)
        except BaseException:
            run.close()
            raise
        if is_resumed and run.begins_again:
            print("The run keeps no checkpoint to go on from: it begins again, with its first epoch.")
        elif changed := changed_versions(before):
            print(f"Begun with {changed}: going on, but not to the bit as that version would have.")
        return run


def _say(line: str) -> None:
    print(printable(line), flush=True)


def _tell(line: str) -> None:
    """Print from a signal handler, which may have interrupted another print."""
    show_cursor = "\x1b[?25h" if sys.stdout.isatty() else ""  # the progress bar hid it
    os.write(1, (show_cursor + line + "\n").encode())
