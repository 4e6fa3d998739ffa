"""`lyric-lm train`."""

import contextlib
import dataclasses
import datetime
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lyric_lm.cli.stopping import stop_at_epoch_end
from lyric_lm.data.printable import printable
from lyric_lm.settings.config import LEARNING_RATES, DashboardConfig, RunConfig, TrainConfig

if TYPE_CHECKING:
    from lyric_lm.data import Lyrics
    from lyric_lm.runs.run import Run
    from lyric_lm.training.texts import Texts

TENSORBOARD = "tensorboard"  # the folder of its logs, in the run's
TENSORBOARD_FLAGS = "--samples_per_plugin=text=100,images=100"  # it would keep ten of each prefix


@dataclasses.dataclass(frozen=True)
class Train:
    """Train a model and watch it learn. Every default is the chapter's."""

    config: TrainConfig
    run_config: RunConfig
    dashboard: DashboardConfig = dataclasses.field(default_factory=DashboardConfig)
    recipe: Literal["chapter", "generalize"] = "chapter"  # whose values the other flags default to

    def with_stored_settings(self, parse: Callable[["Train"], Any]) -> "Train":
        """The same command, where what the flags do not say is as in the run that it goes on with.

        Args:
            parse: parses the command line with the given command's values as the flags' defaults.
        """
        from lyric_lm.runs.run import Run

        if self.run_config.run_dir is None:
            return self
        stored = Run.open(self.run_config.run_dir).settings()
        parsed: Train = parse(Train(stored, RunConfig(), recipe=self.recipe))
        return parsed

    def run(self) -> int:
        """Train, print the reports and say where the run is.

        Returns:
            The exit status: 0, or 128 and the number of the signal that stopped the training.
        """
        from lyric_lm.callbacks import ExactResume, ValidationReport
        from lyric_lm.runs.record import check_settings
        from lyric_lm.runs.run import Run
        from lyric_lm.training.train import load_training_texts, train

        if self.run_config.resume and self.run_config.run_dir is not None:
            check_settings(Run.open(self.run_config.run_dir).settings(), self.config)
        texts = load_training_texts(self.config)  # a text that cannot be used leaves no folder behind
        epochs = self.config.optimizer.epochs
        with self._open_run(texts) as run, _progress(epochs) as (progress, show):
            resume = ExactResume(run.checkpoints, every=self.run_config.checkpoint_every, report=show)
            validation = ValidationReport(every=self.config.report.every, write=show)
            samples = self._samples(run, texts.training, show)
            boards = self._boards(run, samples)
            with stop_at_epoch_end(resume.stop, tell=_tell) as signals:
                train(
                    self.config,
                    texts=texts,
                    run=run,
                    callbacks=[*progress, validation, samples, *boards, resume],
                )
        path = shlex.quote(printable(str(run.path)))
        if boards:
            folder = shlex.quote(printable(str(run.path / TENSORBOARD)))
            flags = f"--logdir {folder} {TENSORBOARD_FLAGS}"
            print(f"See it at http://localhost:6006/?smoothing=0 with: tensorboard {flags}")
        if signals and resume.epochs_done < epochs and not resume.ended:
            print(
                f"Stopped after epoch {resume.epochs_done} of {epochs}. "
                f"Go on with: lyric-lm train --resume --run-dir {path}"
            )
            return 128 + signals[0]
        print(f"Saved in {path}. Write with it: lyric-lm generate --run-dir {path}")
        return 0

    def _open_run(self, texts: "Texts") -> "Run":
        """The run folder, locked: a new one, or the one to go on with."""
        from lyric_lm.runs.record import changed_versions, check_corpus, describe_run
        from lyric_lm.runs.run import Run

        path = self.run_config.run_dir
        record = describe_run(self.config, texts.training, texts.validation)
        if path is None:
            path = Path("runs") / datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        if not self.run_config.resume:
            return Run.create(path, record, overwrite=self.run_config.overwrite)
        run = Run.resume(path)
        try:
            before = run.record()
            check_corpus(before, texts.training, texts.validation)
            run.write_record(record)
        except BaseException:
            run.close()
            raise
        if changed := changed_versions(before):
            print(f"Begun with {changed}: going on, but not to the bit as that version would have.")
        return run

    def _boards(self, run: "Run", samples: Any) -> list[Any]:
        """The callback that writes TensorBoard's logs, with samples as the reports'; none if not wanted."""
        if not self.dashboard.tensorboard:
            return []
        from lyric_lm.callbacks import TensorBoard

        folder = run.path / TENSORBOARD
        if not self.run_config.resume:  # an overwritten run's curves would go on in this one's charts
            shutil.rmtree(folder, ignore_errors=True)
        return [
            TensorBoard(
                folder,
                samples.prefixes,
                num_chars=samples.num_chars,
                sampler=samples.sampler,
                rules=samples.rules,
                seed=samples.seed,
                samples_every=self.dashboard.samples_every,
                histograms_every=self.dashboard.histograms_every,
                settings=_listed(self.config),
                profile_epoch=self.dashboard.profile_epoch,
            )
        ]

    def _samples(self, run: "Run", training: "Lyrics", show: Callable[[str], None]) -> Any:
        """The callback that prints the reports, and keeps them in samples.txt without their times."""
        from lyric_lm.callbacks import LyricSamples
        from lyric_lm.generation.sampling import build_rules, build_sampler
        from lyric_lm.originality.copy_index import CopyIndex
        from lyric_lm.runs.run import SAMPLES

        def write(line: str) -> None:
            show(line)
            run.write(SAMPLES, "".join(line + "\n" for line in samples.lines))

        report = self.config.report
        samples = LyricSamples(
            report.prefixes,
            every=report.every,
            num_chars=report.num_chars,
            sampler=build_sampler(self.config.sampling),
            rules=build_rules(self.config.sampling, training),
            seed=self.config.optimizer.seed,
            copy_index=CopyIndex(training.text),
            print_copied=report.copied,
            write=write,
        )
        return samples


def _listed(config: TrainConfig) -> dict[str, Any]:
    """The settings that TensorBoard's HParams page lists, the five that are changed most first."""
    parts: list[Any] = [config.data, config.model, config.optimizer]
    settings = {name: value for part in parts for name, value in dataclasses.asdict(part).items()}
    settings["learning_rate"] = config.optimizer.learning_rate or LEARNING_RATES[config.optimizer.optimizer]
    names = dict.fromkeys(("cell", "hidden_size", "optimizer", "learning_rate", "seed", *settings))
    return {name: settings[name] for name in names if isinstance(settings[name], (bool, int, float, str))}


def _tell(line: str) -> None:
    """Print from a signal handler, which may have interrupted another print."""
    show_cursor = "\x1b[?25h" if sys.stdout.isatty() else ""  # the progress bar hid it
    os.write(1, (show_cursor + line + "\n").encode())


@contextlib.contextmanager
def _progress(epochs: int) -> Iterator[tuple[list[Any], Callable[[str], None]]]:
    """Callbacks that draw a progress bar on a terminal, and a function that prints a line above it."""
    if not sys.stdout.isatty():
        yield [], lambda line: print(printable(line), flush=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    from lyric_lm.callbacks.epoch_progress import EpochProgress

    perplexity = TextColumn("perplexity {task.fields[perplexity]}")
    columns = [TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), perplexity, TimeRemainingColumn()]
    with Progress(*columns, console=Console(), transient=True) as progress:
        task = progress.add_task("", total=epochs, perplexity="-")
        callback = EpochProgress(lambda done, text: progress.update(task, completed=done, perplexity=text))
        yield [callback], lambda line: progress.console.print(Text(printable(line)), soft_wrap=True)
