"""`draw_trials`: perplexity over learning rate and hidden size, as a PNG."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from lyric_lm.runs.atomic_files import write_atomically


@dataclasses.dataclass(frozen=True)
class TrialPoint:
    """A trial of a search, as the picture shows it."""

    optimizer: str
    learning_rate: float
    hidden_size: int
    score: float  # the least is the best
    whole: bool  # whether it was trained to its end


def draw_trials(points: Sequence[TrialPoint], path: Path, *, metric: str) -> None:
    """Draw trials, a panel for each optimizer, the best one ringed.

    Args:
        points: at least one.
        path: of the PNG.
        metric: what the score is.

    Raises:
        RunWriteError: it cannot be written.
    """
    panels_of: dict[str, list[TrialPoint]] = {}
    for point in points:
        panels_of.setdefault(point.optimizer, []).append(point)
    best = min(points, key=lambda point: point.score)
    scores = [point.score for point in points]
    lowest, highest = min(scores), max(scores)
    norm = LogNorm(lowest, highest if highest > lowest else lowest * math.e)
    figure = Figure(figsize=(5.5 * len(panels_of), 4.2), layout="constrained")
    panels = figure.subplots(1, len(panels_of), squeeze=False)[0]
    drawn: Any = None
    for axes, (name, panel) in zip(panels, sorted(panels_of.items()), strict=True):
        drawn = _draw(axes, panel, best, norm)
        axes.set(xscale="log", yscale="log", xlabel=f"learning rate ({name})", ylabel="hidden size")
        sizes = sorted({point.hidden_size for point in panel})
        axes.set_yticks(sizes, [str(size) for size in sizes], minor=False)
        axes.set_yticks([], minor=True)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.margins(0.15)
    tenths = (1, 2, 5) if highest > 3 * lowest else tuple(1 + i / 10 for i in range(90))
    figure.colorbar(
        drawn, ax=list(panels), label=metric, ticks=LogLocator(subs=tenths), format="%g"
    ).minorticks_off()
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=120, format="png"))


def _draw(axes: Any, points: list[TrialPoint], best: TrialPoint, norm: Any) -> Any:
    """Whole trials as discs, those ended early as small ones."""
    drawn = axes.scatter(
        [point.learning_rate for point in points],
        [point.hidden_size for point in points],
        c=[point.score for point in points],
        s=[80 if point.whole else 25 for point in points],
        norm=norm,
        cmap="viridis_r",
    )
    if best in points:
        place = (best.learning_rate, best.hidden_size)
        axes.scatter(*place, s=260, facecolors="none", edgecolors="red", linewidths=1.5)
        axes.annotate(f"{best.score:.4g}", place, xytext=(10, 10), textcoords="offset points")
    return drawn
