"""The command `lyric-lm`: flags in, exit status out. Nothing imports this module."""

import contextlib
import dataclasses
import datetime
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from lyric_lm.config import RunConfig, TrainConfig


@dataclasses.dataclass(frozen=True)
class Train:
    """Train a model and watch it learn. Every default is the chapter's."""

    config: TrainConfig
    run: RunConfig


@dataclasses.dataclass(frozen=True)
class Generate:
    """Write on from a prefix with a trained model."""

    run_dir: Path  # the folder of a finished run
    prefix: str = "分开"  # what to continue
    num_chars: int = 50  # characters to add

    def __post_init__(self) -> None:
        if not self.prefix:
            raise ValueError("`prefix` must hold at least one character. Received: prefix=''")
        if self.num_chars < 1:
            raise ValueError(f"`num_chars` must be at least 1. Received: num_chars={self.num_chars}")


_Command = (
    Annotated[Train, tyro.conf.subcommand("train")] | Annotated[Generate, tyro.conf.subcommand("generate")]
)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        args: the words after `lyric-lm`; None takes them from the command line.

    Returns:
        The exit status: 0, 2 for something that the user can mend (one sentence on stderr), 130 for Ctrl-C.
    """
    command: Any = tyro.cli(
        _Command,
        prog="lyric-lm",
        description="A character language model for song lyrics: train it, watch it learn, write with it.",
        args=args,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )
    with _quiet_start():
        from lyric_lm.errors import LyricLMError
    try:
        _COMMANDS[type(command)](command)
    except LyricLMError as error:
        print(f"lyric-lm: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("lyric-lm: stopped.", file=sys.stderr)
        return 130
    return 0


def _train(command: Train) -> None:
    with _quiet_start():
        from lyric_lm.callbacks import LyricSamples
        from lyric_lm.runs import SAMPLES, Run
        from lyric_lm.training import load_training_text, train
    load_training_text(command.config)  # a text that cannot be used leaves no folder behind
    path = command.run.run_dir or Path("runs") / datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    run = Run.create(path, command.config.to_dict(), overwrite=command.run.overwrite)
    lines: list[str] = []
    with _progress(command.config.optimizer.epochs) as (progress, show):

        def write(line: str) -> None:
            show(line)
            lines.append(line + "\n")
            run.write(SAMPLES, "".join(lines))

        report = command.config.report
        samples = LyricSamples(report.prefixes, every=report.every, num_chars=report.num_chars, write=write)
        train(command.config, run=run, callbacks=[*progress, samples])
    print(f"Saved in {run.path}. Write with it: lyric-lm generate --run-dir {run.path}")


def _generate(command: Generate) -> None:
    with _quiet_start():
        from lyric_lm.generation import generate
        from lyric_lm.runs import Run
    model = Run.open(command.run_dir).load_model()
    print(generate(model, command.prefix, command.num_chars))


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


@contextlib.contextmanager
def _quiet_start() -> Iterator[None]:
    """Keep TensorFlow's start-up chatter off the screen; show it if the start fails.

    Its C++ libraries write to the file descriptor, before any log level is read.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            yield
            _touch_devices()
        except BaseException:
            chatter.seek(0)
            os.write(stderr, chatter.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _touch_devices() -> None:
    """Start TensorFlow's devices now, since they chatter too."""
    import tensorflow as tf

    tf.config.list_logical_devices()


_COMMANDS: dict[type, Callable[[Any], None]] = {Train: _train, Generate: _generate}
