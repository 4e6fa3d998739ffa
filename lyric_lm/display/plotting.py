"""`draw_runs`: how trainings went, as one picture."""

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator
from rich.cells import cell_len

from lyric_lm.data.printable import printable
from lyric_lm.display.fonts import FONT_ADVICE, cjk_font
from lyric_lm.display.wrapping import wrapped
from lyric_lm.runs.atomic_files import write_atomically
from lyric_lm.runs.curves import RunCurves

# Okabe and Ito (2008): told apart by colour-blind readers too. Runs beyond the seventh are drawn dashed.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLES = ("-", "--", ":", "-.")
_GREY = "#5f6368"
_PANELS = (("perplexity", "training perplexity"), ("val_perplexity", "validation perplexity"))

# Inches: of the whole picture, of the charts with their labels, and of a line of the captions.
_WIDTH, _CHARTS, _LINE = 12.0, 4.3, 0.24
_COLUMNS = 132  # characters to a line of the captions; a Chinese one counts as two
_MAX_LINES = 3  # of each sample


def draw_runs(runs: Sequence[RunCurves], path: Path) -> list[Path]:
    """Draw perplexity, validation and gradient norm of runs, with their last samples as captions.

    Args:
        runs: at least one; each has a colour, named in its caption.
        path: the PNG to write; an SVG is written beside it.

    Returns:
        Both files.

    Raises:
        RunWriteError: a file cannot be written.
    """
    names, captions = _chinese_family(), [_caption(run) for run in runs]
    if not names:
        captions = [[line.encode("ascii", "backslashreplace").decode() for line in c[:1]] for c in captions]
        captions[-1].append(f"Samples are left out: {FONT_ADVICE}.")
    height = _CHARTS + _LINE * (sum(map(len, captions)) + 0.8 * len(captions) + 0.5)
    # A fixed salt and no date, so that the same runs give the same bytes.
    settings: Any = {"font.family": [*names, "DejaVu Sans"], "font.size": 9.5, "svg.hashsalt": "lyric_lm"}
    files = [path, path.with_suffix(".svg")]
    with mpl.rc_context(settings):
        figure = Figure(figsize=(_WIDTH, height))
        _draw_charts(figure, runs, bottom=1 - (_CHARTS - 0.55) / height, top=1 - 0.4 / height)
        _draw_captions(figure, captions, top=1 - _CHARTS / height, line=_LINE / height)
        for file, kind in zip(files, ("png", "svg"), strict=True):
            metadata = {"Date": None} if kind == "svg" else {"Software": None}
            save = functools.partial(figure.savefig, format=kind, dpi=120, metadata=metadata)
            write_atomically(file, save)
    return files


def _draw_charts(figure: Any, runs: Sequence[RunCurves], *, bottom: float, top: float) -> None:
    panels = [(name, title) for name, title in _PANELS if any(run.history.column(name) for run in runs)]
    panels.append(("grad_norm", "gradient norm before clipping"))
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    figure.subplots_adjust(left=0.05, right=0.985, bottom=bottom, top=top, wspace=0.16)
    for axes, (name, _) in zip(row, panels, strict=True):
        axes.set_yscale("log")
        for i, run in enumerate(runs):
            if values := run.history.column(name):
                # One epoch makes no line.
                marker = "o" if len(values) == 1 else None
                axes.plot(
                    range(1, len(values) + 1),
                    values,
                    _style(i),
                    color=_colour(i),
                    linewidth=1.5,
                    marker=marker,
                )
            if name == "val_perplexity" and (best := run.history.best(name)):
                axes.plot(best[1], best[0], "o", color=_colour(i), markersize=5)
    for theta in sorted({run.clipping_theta for run in runs}):
        row[-1].axhline(theta, color=_GREY, linewidth=1, linestyle=":")
        place: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "right"}
        row[-1].annotate(f"theta {theta:g}", (1, theta), (0, 3), color=_GREY, **place)
    if len(panels) == 3:
        # One scale for both perplexities, so that they can be compared.
        (low, high), (other_low, other_high) = row[0].get_ylim(), row[1].get_ylim()
        for axes in row[:2]:
            axes.set_ylim(min(low, other_low), max(high, other_high))
    for axes, (_, title) in zip(row, panels, strict=True):
        _dress(axes, title)


def _dress(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10.5)
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=_subdivisions(high / low)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epoch", color=_GREY)
    axes.tick_params(colors=_GREY)
    axes.grid(color="#e3e5e8", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _subdivisions(ratio: float) -> tuple[float, ...]:
    """Where to draw lines between two powers of ten: more of them, the less the axis spans."""
    if ratio > 1e5:
        return (1,)
    return (1, 2, 5) if ratio > 10 else (1, 1.5, 2, 3, 4, 5, 7)


def _draw_captions(figure: Any, captions: Sequence[list[str]], *, top: float, line: float) -> None:
    y = top
    for i, caption in enumerate(captions):
        mark = Line2D([0.02, 0.045], [y - 0.45 * line] * 2, color=_colour(i), linestyle=_style(i))
        figure.add_artist(mark)
        for number, text in enumerate(caption):
            colour = _colour(i) if number == 0 else "#202124"
            figure.text(0.052, y, text, va="top", parse_math=False, color=colour)
            y -= line
        y -= 0.8 * line


def _caption(run: RunCurves) -> list[str]:
    """The run's name and figures, then its last samples."""
    head = f"{run.name}: perplexity {run.history.last('perplexity'):.3f} after epoch {len(run.history)}"
    if best := run.history.best("val_perplexity"):
        head += f", on validation at best {best[0]:.1f} (epoch {best[1]})"
    samples = [wrapped(s, width=cell_len, most=_COLUMNS, num_lines=_MAX_LINES) for s in run.samples]
    return [printable(line) for line in [head, *itertools.chain(*samples)]]


def _chinese_family() -> list[str]:
    """Matplotlib's name of a font with Chinese characters, in its simplified face; empty without one."""
    file = cjk_font()
    if file is None:
        return []
    font_manager.fontManager.addfont(file)
    faces = {entry.name for entry in font_manager.fontManager.ttflist if Path(entry.fname) == file}
    return sorted(faces, key=lambda name: ("SC" not in name.split(), "Mono" in name, name))[:1]


def _colour(i: int) -> str:
    return _COLOURS[i % len(_COLOURS)]


def _style(i: int) -> Any:
    return _STYLES[i // len(_COLOURS) % len(_STYLES)]
