"""The picture of a search, from trials written by hand."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lyric_lm.display.trial_picture import TrialPoint, draw_trials


def titles(figure: Figure) -> list[str]:
    return [axes.get_xlabel() for axes in figure.axes]


def dots(figure: Figure, panel: int) -> list[tuple[float, float]]:
    """Where the dots of a panel stand, the ring around the best one left out."""
    kept = [c for c in figure.axes[panel].collections if len(c.get_facecolor())]
    return [tuple(point) for c in kept for point in c.get_offsets().tolist()]  # type: ignore[union-attr]


def overprinted(figure: Figure) -> bool:
    """Whether two labels of one axis touch."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            boxes = [
                t.get_window_extent(canvas.get_renderer()) for t in axis.get_ticklabels() if t.get_text()
            ]
            if any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i]):
                return True
    return False


SETTINGS = {"learning_rate": 0.01, "hidden_size": 64, "cell": "gru", "dropout": 0.5}


@pytest.mark.parametrize("spread", [1e-4, 1e3])
@pytest.mark.parametrize(
    ("metric", "base"), [("perplexity", 1.004), ("val_perplexity", 148.0), ("loss", 0.01)]
)
def test_no_label_overprints_another_however_close_the_scores(
    tmp_path: Path, figures: list[Figure], metric: str, base: float, spread: float
) -> None:
    points = [
        TrialPoint(
            i, {"learning_rate": 10.0 ** (i % 7 - 4), "hidden_size": 64}, base + spread * i, "finished"
        )
        for i in range(9)
    ]
    draw_trials(points, tmp_path / "picture.png", metric=metric)
    assert not overprinted(figures[0])
    heights = [y for _, y in dots(figures[0], 0)]
    assert len(set(heights[:5])) == 5, "the better half is told apart"


def test_every_setting_that_varies_has_a_panel_in_which_no_dot_hides_another(
    tmp_path: Path, figures: list[Figure]
) -> None:
    points = [
        TrialPoint(i, SETTINGS | {"cell": cell, "dropout": dropout}, 3.0, "finished")
        for i, (cell, dropout) in enumerate([("gru", 0.5), ("lstm", 0.5), ("gru", 0.8), ("lstm", 0.8)] * 2)
    ]
    draw_trials(points, tmp_path / "picture.png", metric="perplexity")
    assert titles(figures[0]) == ["cell", "dropout"]
    for panel in (0, 1):
        columns = sorted(x for x, _ in dots(figures[0], panel))
        assert min(b - a for a, b in itertools.pairwise(columns)) > 0.05


def test_learning_rates_of_two_optimizers_have_a_panel_each(tmp_path: Path, figures: list[Figure]) -> None:
    points = [
        TrialPoint(i, {"optimizer": name, "learning_rate": rate}, 2.0 + i, "finished")
        for i, (name, rate) in enumerate([("sgd", 100.0), ("adam", 0.003), ("sgd", 50.0), ("adam", 0.01)])
    ]
    draw_trials(points, tmp_path / "picture.png", metric="perplexity")
    assert titles(figures[0]) == ["optimizer", "learning rate of sgd", "learning rate of adam"]


def test_what_diverged_stands_at_the_upper_edge_and_does_not_stretch_the_scale(
    tmp_path: Path, figures: list[Figure]
) -> None:
    points = [TrialPoint(i, {"hidden_size": 64 * i}, 2.0 + i / 10, "finished") for i in range(1, 5)]
    draw_trials(
        [*points, TrialPoint(5, {"hidden_size": 9}, 1e6, "diverged")], tmp_path / "a.png", metric="perplexity"
    )
    axes = figures[0].axes[0]
    highest = max(y for _, y in dots(figures[0], 0))
    assert highest < axes.get_ylim()[1]
    labels = [float(label.get_text()) for label in axes.get_yticklabels()]
    assert max(labels) < 3
    (legend,) = figures[0].legends
    assert "diverged" in [text.get_text() for text in legend.get_texts()]


def test_a_single_trial_is_drawn(tmp_path: Path, figures: list[Figure]) -> None:
    draw_trials([TrialPoint(3, SETTINGS, 1.5, "pruned")], tmp_path / "picture.png", metric="perplexity")
    assert figures[0].get_suptitle() == "The best trial, ringed, is 3: perplexity 1.5"
    assert (tmp_path / "picture.png").stat().st_size > 1000
