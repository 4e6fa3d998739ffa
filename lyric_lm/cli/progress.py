"""What a command prints while trainings run: lines, and below them a bar where there is a terminal."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lyric_lm.data.printable import printable


class Progress(NamedTuple):
    """Lines above a bar."""

    show: Callable[[str], object]  # prints a line
    # The callbacks by which a training draws the bar: called with what it is, as "trial 3", and its epochs.
    watch: Callable[[str, int], list[Any]]


@contextlib.contextmanager
def progress(*, shown: bool = True) -> Iterator[Progress]:
    """Print lines, with a bar below them on a terminal.

    Args:
        shown: whether anything is.
    """
    if not shown:
        yield Progress(lambda _: None, lambda *_: [])
    elif not sys.stdout.isatty():
        yield Progress(lambda line: print(printable(line), flush=True), lambda *_: [])
    else:
        with _on_notebook() if "JPY_PARENT_PID" in os.environ else _on_terminal() as drawn:
            yield drawn


@contextlib.contextmanager
def _on_terminal() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    from lyric_lm.callbacks.epoch_progress import EpochProgress

    perplexity = TextColumn("perplexity {task.fields[perplexity]}")
    description = TextColumn("{task.description}")
    columns = [description, MofNCompleteColumn(), BarColumn(), perplexity, TimeRemainingColumn()]
    with Bar(*columns, console=Console(), transient=True) as bar:
        task = bar.add_task("", total=None, visible=False, perplexity="-")

        def watch(what: str, epochs: int) -> list[Any]:
            name = f"{what}, epoch" if what else "epoch"
            bar.reset(task, description=name, total=epochs, visible=True, perplexity="-")
            return [EpochProgress(lambda done, text: bar.update(task, completed=done, perplexity=text))]

        yield Progress(lambda line: bar.console.print(Text(printable(line)), soft_wrap=True), watch)


@contextlib.contextmanager
def _on_notebook() -> Iterator[Progress]:
    """The `!` of a notebook is a terminal that obeys carriage returns only."""
    from lyric_lm.callbacks.epoch_progress import EpochProgress
    from lyric_lm.model.notebook_bar import text_bar

    def draw(line: str) -> None:
        print(f"\r{line:70}", end="", flush=True)

    def watch(what: str, epochs: int) -> list[Any]:
        name = f"{what}: " if what else ""
        return [EpochProgress(lambda done, text: draw(f"{name}{text_bar(done, epochs)}, perplexity {text}"))]

    try:
        yield Progress(lambda line: print(f"\r{'':70}\r{printable(line)}", flush=True), watch)
    finally:
        print(f"\r{'':70}", end="\r", flush=True)
