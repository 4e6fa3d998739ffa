"""Songs apart, from the command line: a run that holds out whole songs, and what is done with it."""

from pathlib import Path

import pytest

from lyric_lm.cli import main
from lyric_lm.data.characters import SONG_END
from lyric_lm.runs.run import Run
from lyric_lm.training.texts import texts_of

SONGS = ["la la la\nde da\nla la la", "so\nlo la\nde", "da da da\ndo so\nlo", "la la la\nde di\nlo"]


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("songs")
    for i, song in enumerate(SONGS):
        (path / f"{i}.txt").write_text(song, encoding="utf-8")
    words = (
        f"train --corpus {path} --songs apart --keep-newlines --validation-split 0.2 --run-dir {path / 'run'}"
    )
    words += " --hidden-size 16 --cell gru --optimizer adam --learning-rate 0.03 --clipping-theta 1 --rotate"
    words += " --epochs 30 --every 30 --num-chars 20 --no-tensorboard --prefixes la"
    assert main(words.split()) == 0
    return path


def test_the_run_holds_out_whole_songs_and_keeps_where_they_start(folder: Path) -> None:
    run = Run.open(folder / "run")
    texts = texts_of(run)

    assert run.settings().corpus.songs == "apart"
    assert texts.training.text == SONG_END + SONG_END.join(SONGS[:3]) + SONG_END
    assert texts.validation is not None
    assert texts.validation.text == SONG_END + SONGS[3] + SONG_END
    assert texts.training.song_starts.tolist() == [1, 25, 37]
    assert run.load_model().vocabulary.song_end_id == 1


def test_evaluate_scores_whole_songs_and_names_the_lines_that_were_learnt(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--run-dir", str(folder / "run")]) == 0

    out = " ".join(capsys.readouterr().out.split())
    assert "the last 20 % in whole songs" in out
    assert "18 characters, 9 distinct. Unknown to the model: 1 (5.56%), 1 distinct." in out
    assert "2 of 3 lines stand in the training text" in out


def test_generate_begins_a_song_and_ends_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["generate", "--run-dir", str(folder / "run"), "--prefix", "", "so", "--num-chars", "300"]
    assert main([*words, "--temperature", "0.3", "--seed", "1"]) == 0

    first, second = capsys.readouterr().out.removeprefix("1. ").split("\n\n2. ")
    assert 1 < len(first) < 200
    assert SONG_END not in first + second
    assert second.startswith("so")


def test_one_song_is_not_split(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "--songs", "apart", "--validation-split", "0.5", "--corpus", str(folder / "0.txt")]

    assert main(words) == 2

    err = capsys.readouterr().err
    assert "--song-gap 1" in err
    assert "--songs together" in err
