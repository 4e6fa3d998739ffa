from pathlib import Path

import numpy as np
import pytest

from lyric_lm.runs.run import Run
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import TrainConfig
from lyric_lm.tuning.retrain import mean_and_deviation, retrain


def test_mean_and_deviation_are_those_of_the_sample() -> None:
    values = (1.5, 2.25, 4.0)
    sentence = mean_and_deviation("loss", dict(enumerate(values)))
    assert sentence.startswith(f"loss {np.mean(values):.4g} ± {np.std(values, ddof=1):.4g} over 3 seeds")
    assert "not all of them converge" in mean_and_deviation("loss", {1: 1.5, 2: np.inf})
    assert mean_and_deviation("loss", {1: 2.5}) == "loss 2.5 with one seed"


def test_each_seed_is_a_run_of_its_own_and_is_trained_once(base: TrainConfig, tmp_path: Path) -> None:
    config = with_settings(base, {"hidden_size": 4, "epochs": 2})
    first = retrain(config, 1, objective="perplexity", folder=tmp_path)
    (checkpoint,) = (tmp_path / "seed-4" / "checkpoints").iterdir()
    written = checkpoint.stat().st_mtime_ns
    lines: list[str] = []
    second = retrain(config, 2, objective="perplexity", folder=tmp_path, write=lines.append)
    assert checkpoint.stat().st_mtime_ns == written
    assert list(second) == [4, 5]  # the search's own seed was 3
    assert second[4] == first[4]
    assert second[5] != first[4]
    assert lines[0] == f"seed 4  perplexity {first[4]:.4g}"
    assert Run.open(tmp_path / "seed-5").settings().optimizer.seed == 5


def test_other_settings_are_trained_anew(base: TrainConfig, tmp_path: Path) -> None:
    config = with_settings(base, {"hidden_size": 4, "epochs": 1})
    one = retrain(config, 1, objective="perplexity", folder=tmp_path)
    other = retrain(with_settings(config, {"learning_rate": 3.0}), 1, objective="perplexity", folder=tmp_path)
    assert one[4] != pytest.approx(other[4], rel=1e-6)
