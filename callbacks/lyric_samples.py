"""`LyricSamples`: the chapter's report, every so many epochs and after the last."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import keras

from lyric_lm.callbacks.own_model import check_own_model
from lyric_lm.checks import check_at_least_one
from lyric_lm.data.printable import printable
from lyric_lm.generation.line_ends import folded
from lyric_lm.generation.sample_writer import SampleSettings, SampleWriter
from lyric_lm.originality.copy_index import CopyIndex
from lyric_lm.originality.measures import originality


class LyricSamples(keras.callbacks.Callback):  # type: ignore[misc]
    """Prints every so many epochs, and for the last one, its perplexity and a continuation of each prefix.

    The lines are the chapter's:

        epoch 50, perplexity 10.658418, time 0.05 sec
         - 分开...
         - 不分开...

    The time is that of the epoch's training steps alone, validation and sampling left out.

    Args:
        prefixes: texts to continue, or a `SampleWriter`.
        every: epochs between two reports, >= 1.
        copy_index: of the training text; with it the epoch's logs say how much of the samples is copied:
            `longest_copied_run` (characters) and `copied_4` to `copied_20` (share of the n-grams).
        print_copied: whether to report that in a line, too.
        last_epoch: reported too, counted from 1; None: the last of `fit`.
        is_over: called where `fit` ends before that epoch: whether its latest epoch is the last and so is
            reported, too. By default it is, as after `EarlyStopping`.
        write: called with each line; None prints it, with whatever a terminal would obey escaped.
        settings: `num_chars`, `sampler`, `rules` and `seed`, as a `SampleWriter` has them.

    Attributes:
        lines: what was reported so far, without the times, so that two trainings with one seed compare.

    Raises:
        ValueError: `every` or `num_chars` is below 1, a prefix is empty, or `print_copied` lacks its index.
    """

    def __init__(
        self,
        prefixes: Sequence[str] | SampleWriter = ("分开", "不分开"),
        *,
        every: int = 50,
        copy_index: CopyIndex | None = None,
        print_copied: bool = False,
        write: Callable[[str], object] | None = None,
        last_epoch: int | None = None,
        is_over: Callable[[], bool] = lambda: True,
        **settings: Unpack[SampleSettings],
    ) -> None:
        super().__init__()
        check_at_least_one(every=every)
        if print_copied and copy_index is None:
            raise ValueError("`print_copied` needs a `copy_index`: CopyIndex(lyrics.text)")
        self.samples = SampleWriter.of(prefixes, **settings)
        self.every = every
        self.last_epoch = last_epoch
        self.is_over = is_over
        self.copy_index = copy_index
        self.print_copied = print_copied
        self.write = write if write is not None else _print
        self.lines: list[str] = []
        self._start = self._end = 0.0
        self._unreported: tuple[int, dict[str, float], float] | None = None  # the latest epoch

    def state_dict(self) -> dict[str, Any]:
        """What a resume needs: the lines."""
        return {"lines": self.lines}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self.lines = state["lines"]

    def on_train_begin(self, logs: Any = None) -> None:
        del logs
        check_own_model(self)
        self.lines, self._unreported = [], None
        self.samples.check_vocabulary(self.model.vocabulary)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del epoch, logs
        self._start, self._end = time.perf_counter(), 0.0

    def on_test_begin(self, logs: Any = None) -> None:
        del logs
        self._end = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = (self._end or time.perf_counter()) - self._start
        is_last = epoch + 1 == (self.last_epoch or (self.params or {}).get("epochs"))
        if (epoch + 1) % self.every and not is_last:
            self._unreported = epoch + 1, dict(logs or {}), seconds
            return
        self._unreported = None
        self.report(epoch + 1, {} if logs is None else logs, seconds=seconds)

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        if self._unreported is not None and self.is_over():
            epoch, figures, seconds = self._unreported
            self.report(epoch, figures, seconds=seconds)

    def has_reported(self, epoch: int) -> bool:
        """Whether an epoch, counted from 1, stands in the lines."""
        return any(line.startswith(f"epoch {epoch}, ") for line in self.lines)

    def report(self, epoch: int, logs: dict[str, float], *, seconds: float | None = None) -> None:
        """Report an epoch.

        Args:
            epoch: counted from 1.
            logs: its figures; those of the copied shares are added.
            seconds: of its training steps; None leaves them out.
        """
        perplexity = logs["perplexity"] if "perplexity" in logs else math.exp(logs["loss"])
        line = f"epoch {epoch}, perplexity {perplexity:f}"
        self.lines.append(line)
        self.write(line if seconds is None else f"{line}, time {seconds:.2f} sec")
        samples = self.samples.write(self.model)
        for sample in samples:
            self._report(f" - {folded(sample)}")
        if self.copy_index is not None:
            prefixes = self.samples.prefixes
            self._measure([s[len(p) :] for s, p in zip(samples, prefixes, strict=True)], logs)

    def _measure(self, continuations: list[str], logs: dict[str, float]) -> None:
        found = originality(continuations, self.copy_index).as_dict()  # type: ignore[arg-type]
        # Keras hands the same dictionary to the callbacks that follow, which write and draw it.
        logs.update(
            {name: value for name, value in found.items() if name.startswith(("copied_", "longest_c"))}
        )
        if self.print_copied:
            self._report(
                f"   copied: {found['copied_8']:.0%} of 8-grams, "
                f"longest run {found['longest_copied_run']:.0f} characters"
            )

    def _report(self, line: str) -> None:
        self.lines.append(line)
        self.write(line)


def _print(line: str) -> None:
    print(printable(line))
