"""`draw_trials`: perplexity over learning rate and hidden size, as a PNG."""

import math
from pathlib import Path
from typing import Any

from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from lyric_lm.runs.atomic_files import write_atomically
from lyric_lm.settings.config import LEARNING_RATES
from lyric_lm.tuning.tuner import RNNTuner

PICTURE = "perplexity.png"


def draw_trials(tuner: RNNTuner) -> Path:
    """Draw every trial that has a score, a panel for each optimizer.

    Args:
        tuner: of a search with at least one such trial.

    Returns:
        The file, in the search's folder.
    """
    records, best = tuner.records, tuner.records.best()
    points: dict[str, list[Any]] = {}
    for trial_id, result in records.results().items():
        if result.score is not None:
            config = records.config(trial_id)
            optimizer = config.optimizer.optimizer
            rate = config.optimizer.learning_rate or LEARNING_RATES[optimizer]
            point = (rate, config.model.hidden_size, result.score, trial_id == best, result.state)
            points.setdefault(optimizer, []).append(point)
    scores = [point[2] for panel in points.values() for point in panel]
    lowest, highest = min(scores), max(scores)
    norm = LogNorm(lowest, highest if highest > lowest else lowest * math.e)
    figure = Figure(figsize=(5.5 * len(points), 4.2), layout="constrained")
    panels = figure.subplots(1, len(points), squeeze=False)[0]
    drawn: Any = None
    for axes, (name, panel) in zip(panels, sorted(points.items()), strict=True):
        drawn = _draw(axes, panel, norm)
        axes.set(xscale="log", yscale="log", xlabel=f"learning rate ({name})", ylabel="hidden size")
        sizes = sorted({point[1] for point in panel})
        axes.set_yticks(sizes, [str(size) for size in sizes], minor=False)
        axes.set_yticks([], minor=True)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.margins(0.15)
    tenths = (1, 2, 5) if highest > 3 * lowest else tuple(1 + i / 10 for i in range(90))
    figure.colorbar(
        drawn, ax=list(panels), label=tuner.oracle.objective.name, ticks=LogLocator(subs=tenths), format="%g"
    ).minorticks_off()
    path = tuner.run_dir / PICTURE
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=120, format="png"))
    return path


def _draw(axes: Any, points: list[Any], norm: Any) -> Any:
    """Whole trials as discs, those ended early as small ones, the best one ringed."""
    rates, sizes, scores, _, states = zip(*points, strict=True)
    areas = [80 if state == "finished" else 25 for state in states]
    drawn = axes.scatter(rates, sizes, c=scores, s=areas, norm=norm, cmap="viridis_r")
    for rate, size, score, is_best, _ in points:
        if is_best:
            axes.scatter([rate], [size], s=260, facecolors="none", edgecolors="red", linewidths=1.5)
            axes.annotate(f"{score:.4g}", (rate, size), xytext=(10, 10), textcoords="offset points")
    return drawn
