"""`candidates`: lines to choose from, as a person would want them to be."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from numpy.typing import ArrayLike

from lyric_lm.checks import check_at_least_one
from lyric_lm.generation.line_drawer import Line, LineDrawer
from lyric_lm.generation.line_spec import LineSpec
from lyric_lm.generation.rules import Rule
from lyric_lm.generation.samplers import Sampler, Temperature
from lyric_lm.model.rnn_model import RNNModel

_ROWS = 256  # lines drawn at once
_ALIKE = 0.5  # share of common pairs of characters above which two lines count as nearly equal


@dataclasses.dataclass(frozen=True)
class Candidates(Sequence[Line]):
    """Lines to choose from, the best first; what `candidates` returns."""

    lines: tuple[Line, ...]
    asked: int  # lines that were asked for
    drawn: int  # lines that were drawn for it

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Line, ...]: ...
    def __getitem__(self, index: int | slice) -> Line | tuple[Line, ...]:
        return self.lines[index]

    def __str__(self) -> str:
        """One sentence where there are fewer than were asked for; else empty."""
        if len(self) >= self.asked:
            return ""
        return f"{len(self)} of {self.asked} lines: no more of the {self.drawn:,} that were drawn fit."


def candidates(
    model: RNNModel,
    prefix: str,
    *,
    count: int,
    line: LineSpec | None = None,
    sampler: Sampler | None = None,
    rules: Sequence[Rule] = (),
    budget: int = 2048,
    history: ArrayLike = (),
    seed: int | None = None,
) -> Candidates:
    """Lines that may follow a text, drawn many at once, sifted and ranked.

    Each line is there once and fits `line`, without exception. Nearly equal lines (half of their pairs of
    characters are the same) fill the list only where nothing else is left.

    Args:
        model: the model.
        prefix: the text before the lines, also ""; where it does not end a line, they come after its end.
        count: lines wanted, >= 1.
        line: what they must be like; None is anything.
        sampler: how to draw; None is `Temperature(0.8)`.
        rules: what they must not do; `MaxCopy` keeps them from being copied.
        budget: lines to draw at most, >= 1; rounded up to whole batches of 256.
        history: int32 `(N,)`, ids at the prefix's end that were generated before, -1 for others: the rules go
            on from there.
        seed: the same seed gives the same lines; None draws one.

    Returns:
        Up to `count` lines, those of the fewest bits per character first; `str()` says so if they are fewer.

    Raises:
        ValueError: `count` or `budget` is below 1.
        UnknownCharacterError: the model does not know a character of the prefix or of `line`.
        SettingsError: no line can be as `line` wants it.
    """
    check_at_least_one(count=count, budget=budget)
    line = line or LineSpec()
    line.check(model.vocabulary)
    drawer = LineDrawer(model, sampler or Temperature(0.8), rules, seed=seed)
    reading = drawer.read(prefix, history).rows([0] * _ROWS)
    found: list[Line] = []
    num_drawn = 0
    while num_drawn < budget:
        found = list(drawer.fitting([*found, *drawer.draw(reading, [line])[0]], line))
        num_drawn += _ROWS
        if len(list(unlike(found))) >= count:
            break
    lines = list(unlike(found))
    lines += [other for other in found if other not in lines]
    return Candidates(tuple(sorted(lines[:count], key=lambda line: line.bits)), count, num_drawn)


def unlike(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines that are not nearly equal to one before."""
    kept: list[set[str]] = []
    for line in lines:
        pairs = {line.text[i : i + 2] for i in range(max(1, len(line.text) - 1))}
        if not any(len(pairs & other) > _ALIKE * min(len(pairs), len(other)) for other in kept):
            kept.append(pairs)
            yield line
