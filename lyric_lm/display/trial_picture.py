"""`draw_trials`: how good each trial of a search is, over each setting that varies, as a PNG."""

import dataclasses
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lyric_lm.display.colours import COLOURS, GREY
from lyric_lm.runs.atomic_files import write_atomically

_COLUMNS = 3  # panels beside each other
_FEW = 6  # values that have a column each, where they come more than once
_LONG_LABELS = 28  # characters of a panel's labels, beyond which they are turned
_GOLDEN = 0.618  # multiples of it, modulo 1, fill an interval evenly


@dataclasses.dataclass(frozen=True)
class TrialPoint:
    """A trial of a search, as the picture shows it."""

    number: int
    values: Mapping[str, Any]  # what tells it from the others, by the names of the settings
    score: float  # the least is the best
    state: str  # how it ended: "finished", "pruned" or "diverged"


def draw_trials(points: Sequence[TrialPoint], path: Path, *, metric: str) -> None:
    """Draw trials, a panel for each setting that varies, the best one ringed.

    The scale spans the better half, so that scores which lie close are told apart; those far above stand at
    its upper edge.

    Args:
        points: at least one.
        path: of the PNG.
        metric: what the score is.

    Raises:
        RunWriteError: it cannot be written.
    """
    heights = [_height(point.score, metric) for point in points]
    whole = [height for point, height in zip(points, heights, strict=True) if point.state != "diverged"]
    low, high = min(heights), _upper_end(whole or heights)
    best = points[heights.index(low)]
    panels = _panels(points)
    columns, rows = min(len(panels), _COLUMNS), math.ceil(len(panels) / _COLUMNS)
    figure = Figure(figsize=(max(6.5, 4.2 * columns), 3.4 * rows + 1), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True).flat
    colour_of, legend = _colours(points)
    edge = high + 0.12 * (high - low)  # where those far above stand
    heights = [edge if h > high or p.state == "diverged" else h for h, p in zip(heights, points, strict=True)]
    for (title, panel), axes in zip(panels.items(), grid, strict=False):
        places = _dress_x(axes, list(panel.values()), title)
        for i, place in zip(panel, places, strict=True):
            _draw_trial(axes, points[i], place, heights[i], color=colour_of(points[i]), edge=edge)
            if points[i] is best:
                axes.scatter(place, heights[i], s=240, facecolors="none", edgecolors="red", linewidths=1.5)
        _dress_y(axes, low, high, metric)
    for axes in list(grid):
        axes.remove()
    figure.suptitle(f"The best trial, ringed, is {best.number}: {metric} {best.score:.5g}")
    if handles := [*legend, *_marks(points, heights, edge)]:
        figure.legend(handles=handles, loc="outside lower center", ncols=min(6, len(handles)))
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=120, format="png"))


def _draw_trial(axes: Any, point: TrialPoint, x: float, y: float, *, color: str, edge: float) -> None:
    size = 70 if point.state == "finished" else 28
    if point.state == "diverged":
        axes.scatter(x, y, s=size, color=color, marker="x", linewidths=1.2)
    else:
        marker = "^" if y == edge else "o"
        axes.scatter(x, y, s=size, color=color, marker=marker, edgecolors="white", linewidths=0.7)


def _height(score: float, metric: str) -> float:
    """Where a score stands: at the logarithm of the loss, which tells perplexities near 1 apart."""
    loss = math.log(max(score, 1.0)) if metric.endswith("perplexity") else score
    return math.log(max(loss, 1e-9))


def _score(height: float, metric: str) -> float:
    """The inverse of `_height`."""
    loss = math.exp(height)
    return math.exp(loss) if metric.endswith("perplexity") else loss


def _upper_end(heights: Sequence[float]) -> float:
    """The height up to which the scale goes: twice as far from the best as the median."""
    low, middle, high = min(heights), statistics.median(heights), max(heights)
    return min(high, low + 2 * (middle - low)) if middle > low else max(high, low + 0.01)


def _panels(points: Sequence[TrialPoint]) -> dict[str, dict[int, Any]]:
    """For each panel's title, the values of the trials that it shows, by their places in `points`.

    Learning rates of several optimizers have a panel each, as they differ by powers of ten.
    """
    panels: dict[str, dict[int, Any]] = {}
    optimizers = {point.values.get("optimizer") for point in points}
    for i, point in enumerate(points):
        for name, value in point.values.items():
            title = name.replace("_", " ")
            if name == "learning_rate" and len(optimizers) > 1:
                title += f" of {point.values.get('optimizer')}"
            panels.setdefault(title, {})[i] = value
    varied = {title: panel for title, panel in panels.items() if len({*map(str, panel.values())}) > 1}
    return varied or panels or {"": dict.fromkeys(range(len(points)), "")}


def _dress_x(axes: Any, values: Sequence[Any], title: str) -> list[float]:
    """Label the horizontal axis, and return each value's place on it.

    Choices have a column each, over which their trials are spread: dots of one value would hide each other.
    """
    axes.set_xlabel(title)
    kinds = sorted(set(values), key=lambda value: (isinstance(value, str), value is not None and value))
    are_numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in kinds)
    if not are_numbers or len(kinds) == 1 or len(kinds) <= min(_FEW, len(values) - 1):
        labels = [f"{kind:.3g}" if isinstance(kind, float) else str(kind) for kind in kinds]
        turned = 25 if sum(map(len, labels)) > _LONG_LABELS else 0
        axes.set_xticks(range(len(kinds)), labels, rotation=turned)
        axes.set_xlim(-0.6, len(kinds) - 0.4)
        seen = dict.fromkeys(kinds, 0)
        places = []
        for value in values:
            seen[value] += 1
            places.append(kinds.index(value) + 0.6 * ((seen[value] * _GOLDEN) % 1 - 0.5))
        return places
    is_log = min(values) > 0 and max(values) >= 5 * min(values)
    place_of, value_of = (math.log, math.exp) if is_log else (float, float)
    places = [place_of(value) for value in values]
    axes.set_xticks(*_ticks(min(places), max(places), place_of, value_of))
    axes.margins(x=0.1)
    return places


def _dress_y(axes: Any, low: float, high: float, metric: str) -> None:
    ticks, labels = _ticks(low, high, lambda score: _height(score, metric), lambda h: _score(h, metric))
    axes.set_yticks(ticks, labels)
    axes.set_ylim(low - 0.1 * (high - low), high + 0.2 * (high - low))
    if axes.get_subplotspec().is_first_col():
        axes.set_ylabel(metric)
    axes.grid(color="#e3e5e8", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _ticks(
    low: float,
    high: float,
    place_of: Callable[[float], float],
    value_of: Callable[[float], float],
    *,
    number: int = 5,
) -> tuple[list[float], list[str]]:
    """Places about evenly spaced, so that no label overprints another, of values with few digits."""
    step = (high - low) / (number - 1)
    wanted = [low + i * step for i in range(number)]
    places, labels = wanted, [f"{value_of(place):g}" for place in wanted]
    for digits in range(1, 10):
        values = [float(f"{value_of(place):.{digits}g}") for place in wanted]
        labels = [f"{value:.{max(digits, 5)}g}" for value in values]
        places = [place_of(value) for value in values]
        if all(abs(place - other) < 0.2 * step for place, other in zip(places, wanted, strict=True)):
            break
    return places, labels


def _colours(points: Sequence[TrialPoint]) -> tuple[Callable[[TrialPoint], str], list[Any]]:
    """A colour for each trial and a legend: those of the optimizer, or of the setting with fewest values."""
    names = dict.fromkeys(name for point in points for name in point.values)
    kinds = {name: list(dict.fromkeys(point.values.get(name) for point in points)) for name in names}
    few = [name for name in names if 1 < len(kinds[name]) <= min(len(COLOURS), max(2, len(points) // 2))]
    if not few:
        return lambda _: COLOURS[0], []
    name = min(few, key=lambda name: (name != "optimizer", len(kinds[name])))
    shown = sorted(kinds[name], key=lambda value: (isinstance(value, str), value is not None and value))
    legend = [
        Line2D([], [], color=colour, marker="o", linestyle="", label=f"{name.replace('_', ' ')} {value}")
        for colour, value in zip(COLOURS, shown, strict=False)
    ]
    return lambda point: COLOURS[shown.index(point.values.get(name))], legend


def _marks(points: Sequence[TrialPoint], heights: Sequence[float], edge: float) -> list[Any]:
    """What the other marks stand for, of those that occur."""
    states = {point.state for point in points}
    far = any(h == edge and p.state != "diverged" for p, h in zip(points, heights, strict=True))
    kinds = [
        ("pruned" in states, "o", 4, "ended early"),
        (far, "^", 7, "far worse"),
        ("diverged" in states, "x", 5, "diverged"),
    ]
    return [
        Line2D([], [], color=GREY, marker=marker, markersize=size, linestyle="", label=label)
        for occurs, marker, size, label in kinds
        if occurs
    ]
