"""The commands with a text whose ids lie on disk: it is trained on as one in memory, scored, written with."""

from pathlib import Path

import numpy as np
import pytest

import lyric_lm.data.loading
import lyric_lm.data.stored_lyrics
from lyric_lm.cli import main
from lyric_lm.data import load_lyrics
from lyric_lm.runs.kept_texts import kept_texts
from lyric_lm.runs.run import Run
from lyric_lm.training.texts import texts_of

SIZES = "--hidden-size 5 --batch-size 3 --num-steps 7 --epochs 2 --every 2 --num-chars 9 --no-tensorboard"


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A text that is too large to be held in memory."""
    text = load_lyrics("built-in", max_chars=3_000, keep_newlines=True).text
    path = tmp_path / "songs.txt"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(lyric_lm.data.loading, "LARGE_BYTES", 2_000)
    return path


def train(corpus: Path, name: str, *flags: str) -> Run:
    run_dir = corpus.parent / name
    assert main(["train", "--corpus", str(corpus), "--run-dir", str(run_dir), *SIZES.split(), *flags]) == 0
    return Run.open(run_dir)


def test_a_text_on_disk_trains_the_model_that_it_would_train_in_memory(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--rotate", "--min-count", "3", "--max-vocabulary", "90"]
    run = train(corpus, "disk", *flags)
    out = capsys.readouterr().out
    assert "its ids lie in" in out
    assert out.index("its ids lie in") < out.index("epoch 2")
    assert "is compared with its last 2,000,000 characters" in out
    assert "The run keeps no text so long" in out
    monkeypatch.setattr(lyric_lm.data.loading, "LARGE_BYTES", 10**9)
    held = train(corpus, "memory", *flags)

    assert len(held.load_model().vocabulary) == 90
    np.testing.assert_equal(run.load_model().get_weights(), held.load_model().get_weights(), strict=True)
    assert kept_texts(run) is None
    corpus.unlink()
    kept = texts_of(held).training  # of a vocabulary with limits, too
    assert kept.vocabulary == held.load_model().vocabulary


def test_its_run_is_resumed_scored_and_written_with(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lyric_lm.data.stored_lyrics, "HELD_CHARS", 1_000)
    run = train(corpus, "run", "--validation-split", "0.2", "--copied", "--recipe", "generalize")
    where = ["--run-dir", str(run.path)]
    assert main(["train", "--resume", *where, "--epochs", "2"]) == 0
    capsys.readouterr()

    assert main(["evaluate", *where]) == 0
    assert "is compared with its last" in capsys.readouterr().out
    assert main(["evaluate", *where, "--corpus", str(corpus)]) == 0
    assert "Of 3,000 characters the first 1,000 are scored" in capsys.readouterr().out
    assert main(["generate", *where, "--max-copy", "4", "--num-chars", "5", "--report"]) == 0
    assert "is compared with its last" in capsys.readouterr().err

    next(corpus.parent.glob(".songs.txt.ids/*/ids.npy")).write_bytes(b"damaged")
    assert main(["evaluate", *where]) == 2
    assert "delete that folder" in capsys.readouterr().err


def test_what_needs_all_of_it_is_refused_before_a_run_is_made(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for flags in (["--skip-repeats"], ["--songs", "apart"], ["--song-gap", "1"], ["--script", "simplified"]):
        where = str(corpus.parent / "none")
        assert main(["train", "--corpus", str(corpus), "--run-dir", where, *flags]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "--max-" in error
        assert not Path(where).exists()
