"""`lyric-lm train`."""

import contextlib
import dataclasses
import datetime
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lyric_lm.config import RunConfig, TrainConfig


@dataclasses.dataclass(frozen=True)
class Train:
    """Train a model and watch it learn. Every default is the chapter's."""

    config: TrainConfig
    run_config: RunConfig

    def run(self) -> None:
        """Train, print the reports and say where the run is."""
        from lyric_lm.callbacks import LyricSamples
        from lyric_lm.runs import SAMPLES, Run
        from lyric_lm.training import load_training_text, train

        load_training_text(self.config)  # a text that cannot be used leaves no folder behind
        path = self.run_config.run_dir or Path("runs") / datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        run = Run.create(path, self.config.to_dict(), overwrite=self.run_config.overwrite)
        lines: list[str] = []
        with _progress(self.config.optimizer.epochs) as (progress, show):

            def write(line: str) -> None:
                show(line)
                lines.append(line + "\n")
                run.write(SAMPLES, "".join(lines))

            report = self.config.report
            samples = LyricSamples(
                report.prefixes, every=report.every, num_chars=report.num_chars, write=write
            )
            train(self.config, run=run, callbacks=[*progress, samples])
        print(f"Saved in {run.path}. Write with it: lyric-lm generate --run-dir {run.path}")


@contextlib.contextmanager
def _progress(epochs: int) -> Iterator[tuple[list[Any], Callable[[str], None]]]:
    """Callbacks that draw a progress bar on a terminal, and a function that prints a line above it."""
    if not sys.stdout.isatty():
        yield [], lambda line: print(line, flush=True)
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
        yield [callback], lambda line: progress.console.print(Text(line), soft_wrap=True)
