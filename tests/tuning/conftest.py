from pathlib import Path

import pytest

from lyric_lm.data import Lyrics, load_lyrics
from lyric_lm.settings.config import CorpusConfig, OptimizerConfig, ReportConfig, TrainConfig


@pytest.fixture(scope="session")
def lyrics() -> Lyrics:
    """Text enough for six batches of 2 rows and 5 steps."""
    return load_lyrics("built-in", max_chars=62)


@pytest.fixture(scope="session")
def base(lyrics: Lyrics) -> TrainConfig:
    return TrainConfig(
        corpus=CorpusConfig(max_chars=62),
        optimizer=OptimizerConfig(batch_size=2, num_steps=5, epochs=5, seed=3),
        report=ReportConfig(prefixes=(lyrics.text[:2],), num_chars=7),
    )


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "search"
