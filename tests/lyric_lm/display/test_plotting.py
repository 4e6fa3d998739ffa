"""The picture of runs, from run folders written by hand."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lyric_lm.cli import main
from lyric_lm.display import plotting
from lyric_lm.display.fonts import FONT_ADVICE, cjk_font
from lyric_lm.display.plotting import draw_runs
from lyric_lm.errors import RunError
from lyric_lm.runs.curves import RunCurves
from lyric_lm.settings.config import OptimizerConfig, TrainConfig

HISTORY = "epoch,grad_norm,loss,perplexity,val_perplexity\n1,.5,2.3,10,30.5\n2,.4,1.6,5,20.5\n3,.2,1.1,3,\n"
SAMPLES = (
    "epoch 2, perplexity 5.0\n - 分开旧\nepoch 3, perplexity 3.0\n - 分开新\n第二行\n - 不分开 $x_1$ <b>\n"
)

needs_font = pytest.mark.skipif(cjk_font() is None, reason="no font with Chinese characters is installed")


def write_run(
    folder: Path, *, history: str | None = HISTORY, samples: str | None = SAMPLES, theta: float = 0.02
) -> Path:
    folder.mkdir(parents=True)
    settings = TrainConfig(optimizer=OptimizerConfig(clipping_theta=theta)).to_dict()
    record = {"format_version": 1, "settings": settings, "corpus": {}, "vocabulary": {}, "versions": {}}
    for name, text in [
        ("config.json", json.dumps(record)),
        ("history.csv", history),
        ("samples.txt", samples),
    ]:
        if text is not None:
            (folder / name).write_text(text, encoding="utf-8")
    return folder


def curve(figure: Figure, panel: int, line: int) -> list[tuple[float, float]]:
    drawn = figure.axes[panel].lines[line]
    return [(x, y) for x, y in drawn.get_xydata().tolist()]  # type: ignore[union-attr]


def captions(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


# ---------------------------------------------------------------- what is read


def test_curves_and_the_last_samples_are_read_from_the_run_folder(tmp_path: Path) -> None:
    run = RunCurves.read(write_run(tmp_path / "a run", theta=0.5))
    assert (run.name, run.clipping_theta, len(run.history)) == ("a run", 0.5, 3)
    assert run.history.column("perplexity") == [10, 5, 3]
    assert run.history.best("val_perplexity") == (20.5, 2)
    assert run.samples == ["分开新\n第二行", "不分开 $x_1$ <b>"]
    assert run.samples_epoch == 3
    assert run.history.column("no such log") == []


def test_a_run_without_samples_has_none(tmp_path: Path) -> None:
    assert RunCurves.read(write_run(tmp_path / "run", samples=None)).samples == []


@pytest.mark.parametrize(
    ("history", "complaint"),
    [
        (None, "holds no history of a training yet"),
        ("epoch,perplexity\n", "holds no history of a training yet"),
        ("epoch,perplexity\n1,much\n", "Cannot read"),
        ("epoch,loss\n1,2\n", "Cannot read"),
        ("epoch,perplexity\n1,2,3\n", "Cannot read"),
        ("\x00\xff", "Cannot read|holds no history"),
    ],
)
def test_a_run_folder_without_a_history_is_named_in_one_sentence(
    tmp_path: Path, history: str | None, complaint: str
) -> None:
    folder = write_run(tmp_path / "run", history=history)
    with pytest.raises(RunError, match=complaint) as caught:
        RunCurves.read(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- what is drawn


def test_each_run_is_drawn_in_each_chart_on_a_logarithmic_scale(
    tmp_path: Path, figures: list[Figure]
) -> None:
    paths = [write_run(tmp_path / "one"), write_run(tmp_path / "two", theta=0.3)]
    draw_runs([RunCurves.read(path) for path in paths], tmp_path / "picture.png")
    (figure,) = figures
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "perplexity",
        "gradient norm before clipping, dotted: theta",
    ]
    assert {axes.get_yscale() for axes in figure.axes} == {"log"}
    for run in (0, 1):
        training, validation, best = (figure.axes[0].lines[3 * run + i] for i in range(3))
        assert curve(figure, 0, 3 * run) == [(1, 10), (2, 5), (3, 3)]
        assert curve(figure, 0, 3 * run + 1)[:2] == [(1, 30.5), (2, 20.5)]
        assert curve(figure, 0, 3 * run + 2) == [(2, 20.5)], "the best epoch is marked"
        assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")
        assert training.get_color() == validation.get_color() == best.get_color()
        assert curve(figure, 1, run) == [(1, 0.5), (2, 0.4), (3, 0.2)]
    thetas = [line.get_ydata()[0] for line in figure.axes[1].lines[2:]]  # type: ignore[index]
    assert thetas == [0.02, 0.3]
    assert figure.axes[0].lines[0].get_color() != figure.axes[0].lines[3].get_color()
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["training", "validation", "its best epoch"]


def test_runs_beyond_the_colours_are_told_apart_by_marks(tmp_path: Path, figures: list[Figure]) -> None:
    run = RunCurves.read(write_run(tmp_path / "run"))
    draw_runs([run] * 9, tmp_path / "picture.png")
    lines = figures[0].axes[1].lines[:9]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 9


def test_without_validation_nothing_speaks_of_it(tmp_path: Path, figures: list[Figure]) -> None:
    path = write_run(tmp_path / "run", history="epoch,grad_norm,perplexity\n1,.5,7\n")
    draw_runs([RunCurves.read(path)], tmp_path / "picture.png")
    assert figures[0].axes[0].get_legend() is None
    assert figures[0].axes[0].lines[0].get_marker() == "o", "one epoch makes no line"


@needs_font
def test_samples_stand_below_as_they_are_with_every_glyph(tmp_path: Path, figures: list[Figure]) -> None:
    # A glyph that no font has would be a warning, which is an error in these tests.
    path = write_run(tmp_path / "歌词")
    png, svg = draw_runs([RunCurves.read(path)], tmp_path / "picture.png")
    head, whose, *samples = captions(figures[0])
    assert whose == "Samples of 歌词 after epoch 3:"
    assert head == "歌词: perplexity 3.000 after epoch 3, on validation at best 20.5 (epoch 2)"
    assert samples == ["分开新", "第二行", "不分开 $x_1$ <b>"]
    with Image.open(png) as picture:
        below = np.asarray(picture.convert("L"))[-int(0.25 * picture.height) :]
    assert (below < 128).sum() > 200
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")


def test_a_long_sample_is_wrapped_and_ends_in_an_ellipsis(tmp_path: Path, figures: list[Figure]) -> None:
    if cjk_font() is None:
        pytest.skip("no font with Chinese characters is installed")
    path = write_run(tmp_path / "run", samples="epoch 3, perplexity 3.0\n - " + "分" * 1000 + "\n")
    draw_runs([RunCurves.read(path)], tmp_path / "picture.png")
    _, _, *lines = captions(figures[0])
    assert len(lines) == 3
    assert max(map(len, lines)) <= 67
    assert lines[-1].endswith("…")


def test_without_a_font_the_picture_says_what_to_install(
    tmp_path: Path, figures: list[Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plotting, "cjk_font", lambda: None)
    path = write_run(tmp_path / "歌词")
    draw_runs([RunCurves.read(path)], tmp_path / "picture.png")
    head, advice = captions(figures[0])
    assert head.isascii()
    assert FONT_ADVICE in advice
    assert "fonts-noto-cjk" in advice


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    run = RunCurves.read(write_run(tmp_path / "run"))
    first, second = (draw_runs([run], tmp_path / f"{name}.png") for name in "ab")
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


# ---------------------------------------------------------------- a search


def write_trial(search: Path, number: int, *, theta: float, score: float | None) -> Path:
    folder = write_run(search / "trials" / str(number), theta=theta)
    (folder / "result.json").write_text(json.dumps({"score": score}), encoding="utf-8")
    return folder


def test_of_a_search_the_best_trials_are_drawn_with_what_tells_them_apart(
    tmp_path: Path, figures: list[Figure]
) -> None:
    scores = {1: 5.0, 2: None, 10: 3.0, **{i: 9.0 + i for i in range(11, 18)}}
    for number, score in scores.items():
        write_trial(tmp_path, number, theta=number / 100, score=score)
    write_run(tmp_path / "trials" / "20", history=None)  # which has only begun
    runs = RunCurves.read_all(tmp_path)
    assert [run.name for run in runs] == [f"trial {i}" for i in (10, 1, 11, 12, 13, 14, 15)]
    assert [bool(run.samples) for run in runs] == [True] + 6 * [False], (
        "only the best one's samples are shown"
    )
    draw_runs(runs, tmp_path / "picture.png")
    assert captions(figures[0])[0].startswith("trial 10 (clipping_theta 0.1): perplexity 3.000 after epoch 3")


def test_a_search_without_an_epoch_says_so(tmp_path: Path) -> None:
    write_run(tmp_path / "trials" / "1", history=None)
    with pytest.raises(RunError, match="no epoch of a trial yet"):
        RunCurves.read_all(tmp_path)


# ---------------------------------------------------------------- the command


def test_the_command_draws_a_search_into_its_folder(tmp_path: Path) -> None:
    write_trial(tmp_path, 1, theta=0.5, score=2.0)
    assert main(["plot", "--run-dir", str(tmp_path)]) == 0
    assert (tmp_path / "plot.svg").exists()


def test_the_command_draws_into_the_first_runs_folder(tmp_path: Path, capsys: Any) -> None:
    one, two = write_run(tmp_path / "one"), write_run(tmp_path / "two")
    assert main(["plot", "--run-dir", str(one), str(two)]) == 0
    assert sorted(path.name for path in one.glob("plot.*")) == ["plot.png", "plot.svg"]
    assert str(one / "plot.png") in capsys.readouterr().out


def test_the_command_says_in_one_sentence_that_a_folder_holds_no_run(tmp_path: Path, capsys: Any) -> None:
    assert main(["plot", "--run-dir", str(tmp_path)]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "holds no run" in shown
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("output", ["picture.pdf", "picture"])
def test_an_output_that_is_no_png_is_refused(tmp_path: Path, output: str, capsys: Any) -> None:
    folder = write_run(tmp_path / "run")
    with pytest.raises(SystemExit) as caught:
        main(["plot", "--run-dir", str(folder), "--output", str(tmp_path / output)])
    assert caught.value.code == 2
    assert "must end in .png" in capsys.readouterr().err + capsys.readouterr().out
