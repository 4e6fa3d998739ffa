"""`LyricSamples`: the chapter's report, every so many epochs."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras

from lyric_lm.data.printable import printable
from lyric_lm.generation.generate import encode_prefix, generate
from lyric_lm.generation.rules import Rule
from lyric_lm.generation.samplers import Beam, Sampler
from lyric_lm.originality.copy_index import CopyIndex
from lyric_lm.originality.measures import originality


class LyricSamples(keras.callbacks.Callback):  # type: ignore[misc]
    """Prints the epoch's perplexity and a continuation of each prefix.

    The lines are the chapter's:

        epoch 50, perplexity 10.658418, time 0.05 sec
         - 分开...
         - 不分开...

    The time is that of the epoch's training steps alone, validation and sampling left out.

    Args:
        prefixes: texts to continue.
        every: epochs between two reports, >= 1.
        num_chars: characters in a sample, the prefix aside, >= 1.
        sampler: how to pick them; None is greedy, the chapter's way.
        rules: what the samples must not do.
        seed: for a sampler that draws, so that a report depends on the model alone.
        copy_index: of the training text; with it the epoch's logs say how much of the samples is copied:
            `longest_copied_run` (characters) and `copied_4` to `copied_20` (share of the n-grams).
        print_copied: whether to report that in a line, too.
        write: called with each line; None prints it, with whatever a terminal would obey escaped.

    Attributes:
        lines: what was reported so far, without the times, so that two trainings with one seed compare.

    Raises:
        ValueError: `every` or `num_chars` is below 1, a prefix is empty, or `print_copied` lacks its index.
    """

    def __init__(
        self,
        prefixes: Sequence[str] = ("分开", "不分开"),
        *,
        every: int = 50,
        num_chars: int = 50,
        sampler: Sampler | Beam | None = None,
        rules: Sequence[Rule] = (),
        seed: int = 0,
        copy_index: CopyIndex | None = None,
        print_copied: bool = False,
        write: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__()
        for name, value in [("every", every), ("num_chars", num_chars)]:
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
        if isinstance(prefixes, str):
            raise ValueError(f"`prefixes` must be a list of texts. Received: prefixes={prefixes!r}")
        if not all(prefixes):
            raise ValueError("`prefixes` must hold at least one character each. Received: an empty one")
        if print_copied and copy_index is None:
            raise ValueError("`print_copied` needs a `copy_index`: CopyIndex(lyrics.text)")
        self.prefixes = list(prefixes)
        self.every = every
        self.num_chars = num_chars
        self.sampler = sampler
        self.rules = rules
        self.seed = seed
        self.copy_index = copy_index
        self.print_copied = print_copied
        self.write = write if write is not None else _print
        self.lines: list[str] = []
        self._start = self._end = 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        del logs
        self.lines = []
        # A character that cannot be sampled from is better found before the first epoch than after the 50th.
        for prefix in self.prefixes:
            encode_prefix(self.model.vocabulary, prefix)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del epoch, logs
        self._start, self._end = time.perf_counter(), 0.0

    def on_test_begin(self, logs: Any = None) -> None:
        del logs
        self._end = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = (self._end or time.perf_counter()) - self._start
        if (epoch + 1) % self.every:
            return
        logs = {} if logs is None else logs
        perplexity = logs["perplexity"] if "perplexity" in logs else math.exp(logs["loss"])
        line = f"epoch {epoch + 1}, perplexity {perplexity:f}"
        self.lines.append(line)
        self.write(f"{line}, time {seconds:.2f} sec")
        samples = generate(
            self.model,
            self.prefixes,
            self.num_chars,
            sampler=self.sampler,
            rules=self.rules,
            seed=self.seed,
        )
        for sample in samples:
            self._report(f" - {sample}")
        if self.copy_index is not None:
            self._measure([s[len(p) :] for s, p in zip(samples, self.prefixes, strict=True)], logs)

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
