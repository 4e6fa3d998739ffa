import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from lyric_lm.data import Lyrics
from lyric_lm.runs.record import describe_run
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import TrainConfig
from lyric_lm.tuning import report
from lyric_lm.tuning.report import PICTURE, conclusion, draw_picture, trial_line, trial_table
from lyric_lm.tuning.trial_records import TrialRecords, TrialResult

TRIALS = [
    (
        {"optimizer": "sgd", "learning_rate": 0.000123456, "hidden_size": 64},
        TrialResult("finished", 5.5, 5.5, 7, 6.0, 9, 2.0),
    ),
    (
        {"optimizer": "adam", "learning_rate": 3.0, "hidden_size": 512},
        TrialResult("pruned", 2.25, 2.25, 4, 2.5, 4, 1.0),
    ),
    (
        {"optimizer": "adam", "learning_rate": 9.0, "hidden_size": 64},
        TrialResult("diverged", 100.0, None, 0, None, 1, 0.5),
    ),
    (
        {"optimizer": "adam", "learning_rate": 9.5, "hidden_size": 64},
        TrialResult("failed", error="OSError: fire"),
    ),
]


@pytest.fixture
def tuner(tmp_path: Path, lyrics: Lyrics, base: TrainConfig) -> Any:
    """What the report needs of a tuner, with four trials on the disk."""
    records = TrialRecords(tmp_path / "trials", "perplexity")
    trials = {}
    for number, (values, result) in enumerate(TRIALS, start=1):
        with records.begin(number, describe_run(with_settings(base, values), lyrics)):
            records.end(number, result)
        trials[str(number - 1)] = SimpleNamespace(trial_id=str(number - 1), hyperparameters=values)
    oracle = SimpleNamespace(objective=SimpleNamespace(name="perplexity"), trials=trials)
    hypermodel = SimpleNamespace(varied=lambda values: values)
    return SimpleNamespace(
        records=records, oracle=oracle, hypermodel=hypermodel, run_dir=tmp_path, objective="perplexity"
    )


def test_each_trial_is_one_line_of_a_terminal(tuner: Any) -> None:
    lines = [trial_line(tuner, trial, 30) for trial in tuner.oracle.trials.values()]
    assert lines == [
        "1/30  sgd learning_rate=0.000123 hidden_size=64  5.5  2.0 s",
        "2/30  adam learning_rate=3 hidden_size=512  2.25 (pruned at 4)  1.0 s",
        "3/30  adam learning_rate=9 hidden_size=64  no number (diverged at 1)  0.5 s",
        "4/30  adam learning_rate=9.5 hidden_size=64  failed: OSError: fire",
    ]
    assert all(len(line) <= 80 for line in lines)
    assert trial_line(tuner, tuner.oracle.trials["0"], None).startswith("1  ")


def test_the_table_has_the_best_first_and_fits_a_terminal(tuner: Any) -> None:
    console = Console(width=80, file=io.StringIO())
    console.print(trial_table(tuner))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert all(len(line) <= 80 for line in lines)
    rows = [line.split() for line in lines if line.strip()[:1].isdigit()]
    assert [row[0] for row in rows] == ["2", "1", "3", "4"]
    assert rows[1] == ["1", "sgd", "0.000123", "64", "5.5", "6", "9", "finished"]


def test_the_picture_shows_the_trials_that_have_a_score(tuner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(
        report, "draw_trials", lambda points, path, metric: drawn.append((points, path, metric))
    )
    draw_picture(tuner)
    ((points, path, metric),) = drawn
    assert (path, metric) == (tuner.run_dir / PICTURE, "perplexity")
    assert [(p.number, p.score, p.state) for p in points] == [
        (1, 5.5, "finished"),
        (2, 2.25, "pruned"),
        (3, 100.0, "diverged"),
    ]
    assert points[1].values == {"optimizer": "adam", "learning_rate": 3.0, "hidden_size": 512}


def test_the_conclusion_ends_in_commands_and_the_disk_used(
    tuner: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    lines: list[str] = []
    conclusion(tuner, 0, write=lines.append)
    assert "Trials by best perplexity" in capsys.readouterr().out
    assert lines[0] == "Best: trial 2  adam learning_rate=3 hidden_size=512  perplexity 2.25 at epoch 4"
    assert lines[1].startswith(
        "Train it anew: lyric-lm train --max-chars 62 --hidden-size 512 --optimizer adam"
    )
    assert lines[2] == f"Write with it: lyric-lm generate --run-dir {tuner.run_dir / 'best'}"
    size = sum(path.stat().st_size for path in tuner.run_dir.rglob("*") if path.is_file())
    assert lines[-1] == f"Disk: {size / 1e6:.1f} MB in {tuner.run_dir}, 0.0 MB of them the best run."


def test_a_search_without_a_model_says_what_to_change(tuner: Any) -> None:
    for number in range(1, 5):
        tuner.records.end(number, TrialResult("diverged", score=100.0))
    lines: list[str] = []
    conclusion(tuner, 2, write=lines.append)
    assert lines == ["No trial has a model. Lower the learning rates or --clipping-theta."]
