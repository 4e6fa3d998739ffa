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
from lyric_lm.display.colours import COLOURS, GREY
from lyric_lm.display.fonts import FONT_ADVICE, cjk_font
from lyric_lm.display.wrapping import wrapped
from lyric_lm.runs.atomic_files import write_atomically
from lyric_lm.runs.curves import RunCurves

_MARKERS = ("", "o", "^", "s", "D")  # of the first runs, one a colour, then of the next, and so on

# Inches: of the whole picture, of the charts with their labels, and of a line of the captions.
_WIDTH, _CHARTS, _LINE = 12.0, 4.3, 0.24
_COLUMNS = 132  # characters to a line of the captions; a Chinese one counts as two
_MAX_LINES = 3  # of each sample


def draw_runs(runs: Sequence[RunCurves], path: Path) -> list[Path]:
    """Draw perplexity, on training and validation, and gradient norm of runs, above their last samples.

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
    perplexity, norm = figure.subplots(1, 2, width_ratios=(3, 2))
    figure.subplots_adjust(left=0.05, right=0.985, bottom=bottom, top=top, wspace=0.12)
    for i, run in enumerate(runs):
        _draw_line(perplexity, run, "perplexity", i, "-")
        _draw_line(norm, run, "grad_norm", i, "-")
        _draw_line(perplexity, run, "val_perplexity", i, "--")
        if best := run.history.best("val_perplexity"):
            perplexity.plot(best[1], best[0], "o", color=_colour(i), markersize=6)
    thetas = {run.clipping_theta: i for i, run in reversed(list(enumerate(runs)))}
    for theta, i in sorted(thetas.items()):
        norm.axhline(theta, color=GREY if len(thetas) == 1 else _colour(i), linewidth=1, linestyle=":")
    if len(thetas) == 1:
        (theta,) = thetas
        place: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "right"}
        norm.annotate(f"theta {theta:g}", (1, theta), (0, 3), color=GREY, **place)
    _dress(perplexity, "perplexity")
    _dress(norm, "gradient norm before clipping" + (", dotted: theta" if len(thetas) > 1 else ""))
    if any(run.history.column("val_perplexity") for run in runs):
        kinds: list[Any] = [("-", "", "training"), ("--", "", "validation"), ("", "o", "its best epoch")]
        key = [Line2D([], [], color=GREY, linestyle=s, marker=m, label=text) for s, m, text in kinds]
        place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0}
        perplexity.legend(handles=key, ncols=len(key), frameon=False, labelcolor=GREY, **place)


def _draw_line(axes: Any, run: RunCurves, name: str, i: int, style: str) -> None:
    """A figure of the i-th run over its epochs, where it has any."""
    axes.set_yscale("log")
    if values := run.history.column(name):
        # One epoch makes no line.
        marks: dict[str, Any] = {"marker": "o"} if len(values) == 1 else _marks(i)
        axes.plot(range(1, len(values) + 1), values, style, color=_colour(i), linewidth=1.5, **marks)


def _dress(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10.5)
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=_subdivisions(high / low)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epoch", color=GREY)
    axes.tick_params(colors=GREY)
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
        marks: dict[str, Any] = _marks(i) | {"markevery": [1]}
        mark = Line2D([0.02, 0.0325, 0.045], [y - 0.45 * line] * 3, color=_colour(i), **marks)
        figure.add_artist(mark)
        for number, text in enumerate(caption):
            colour = (_colour(i), GREY)[number] if number < 2 else "#202124"
            figure.text(0.052, y, text, va="top", parse_math=False, color=colour)
            y -= line
        y -= 0.8 * line


def _caption(run: RunCurves) -> list[str]:
    """The run's name and figures, then its last samples."""
    name = f"{run.name} ({run.settings})" if run.settings else run.name
    head = f"{name}: perplexity {run.history.last('perplexity'):.3f} after epoch {len(run.history)}"
    if best := run.history.best("val_perplexity"):
        head += f", on validation at best {best[0]:.1f} (epoch {best[1]})"
    samples = [wrapped(s, width=cell_len, most=_COLUMNS, num_lines=_MAX_LINES) for s in run.samples]
    heading = [f"Samples of {run.name} after epoch {run.samples_epoch}:"] if samples else []
    return [printable(line) for line in [head, *heading, *itertools.chain(*samples)]]


def _chinese_family() -> list[str]:
    """Matplotlib's name of a font with Chinese characters, in its simplified face; empty without one."""
    file = cjk_font()
    if file is None:
        return []
    font_manager.fontManager.addfont(file)
    faces = {entry.name for entry in font_manager.fontManager.ttflist if Path(entry.fname) == file}
    return sorted(faces, key=lambda name: ("SC" not in name.split(), "Mono" in name, name))[:1]


def _colour(i: int) -> str:
    return COLOURS[i % len(COLOURS)]


def _marks(i: int) -> dict[str, Any]:
    """What tells the i-th run's lines from those of the same colour."""
    return {"marker": _MARKERS[i // len(COLOURS) % len(_MARKERS)], "markersize": 5, "markevery": 0.1}
