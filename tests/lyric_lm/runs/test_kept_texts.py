"""A run keeps its text, whatever becomes of the files that it came from."""

import dataclasses
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from lyric_lm.data import Lyrics, load_lyrics
from lyric_lm.errors import RunMismatchError
from lyric_lm.runs import kept_texts as module
from lyric_lm.runs.kept_texts import keep_texts, kept_texts
from lyric_lm.runs.record import check_settings, describe_run
from lyric_lm.runs.run import TEXTS, Run
from lyric_lm.settings.config import CorpusConfig, TrainConfig
from lyric_lm.training.texts import read_texts, texts_of


def a_run(folder: Path, *, split: float | None) -> tuple[Run, Lyrics, Lyrics | None]:
    (folder / "songs").mkdir()
    for name, song in {"a": "雨停\n风起\n", "b": "走\n吧\n走\n", "c": "啦啦啦啦"}.items():
        (folder / "songs" / f"{name}.txt").write_text(song, encoding="utf-8")
    config = TrainConfig(corpus=CorpusConfig(corpus=str(folder / "songs"), validation_split=split))
    texts = read_texts(config.corpus)
    run = Run.create(folder / "run", describe_run(config, texts.training, texts.validation))
    run.close()
    return run, texts.training, texts.validation


@pytest.mark.parametrize("split", [None, 0.3])
def test_the_texts_come_back_as_they_were(tmp_path: Path, split: float | None) -> None:
    run, training, validation = a_run(tmp_path, split=split)
    assert kept_texts(run) is None

    assert keep_texts(run, training, validation)

    back = kept_texts(run)
    assert back is not None
    for was, now in zip((training, validation), back, strict=True):
        assert was == now
        if was is not None and now is not None:
            for name in ("ids", "line_starts", "song_starts"):
                np.testing.assert_array_equal(getattr(was, name), getattr(now, name))


def test_a_run_works_after_its_files_changed_and_says_so_where_it_keeps_none(tmp_path: Path) -> None:
    run, training, _ = a_run(tmp_path, split=None)
    keep_texts(run, training)
    (tmp_path / "songs" / "new.txt").write_text("新歌", encoding="utf-8")

    assert texts_of(run).training == training
    (run.path / TEXTS).unlink()
    with pytest.raises(RunMismatchError, match="This is not the text of the run"):
        texts_of(run)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-20],
        lambda _: b"no gzip",
        lambda _: gzip.compress(b"[]"),
        lambda data: gzip.compress(gzip.decompress(data).replace(b'"text": "', b'"text": "x')),
        lambda data: gzip.compress(
            gzip.decompress(data).replace(b'"song_starts": [0', b'"song_starts": [-1')
        ),
        lambda data: gzip.compress(gzip.decompress(data).replace(b'"line_starts"', b'"lines"')),
    ],
)
def test_a_kept_text_that_is_damaged_is_as_good_as_none(tmp_path: Path, damage: object) -> None:
    run, training, _ = a_run(tmp_path, split=None)
    keep_texts(run, training)
    path = run.path / TEXTS
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]

    assert kept_texts(run) is None
    assert texts_of(run).training == training  # from the files, which are as they were


def test_too_long_a_text_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, training, _ = a_run(tmp_path, split=None)
    monkeypatch.setattr(module, "MAX_KEPT_CHARS", len(training.text) - 1)

    assert not keep_texts(run, training)
    assert not (run.path / TEXTS).exists()


def test_a_text_may_have_moved_and_nothing_else_may_differ() -> None:
    stored = TrainConfig(corpus=CorpusConfig(corpus="a.txt"))

    check_settings(stored, dataclasses.replace(stored, corpus=CorpusConfig(corpus=("b.txt", "c.txt"))))
    with pytest.raises(RunMismatchError, match="max_chars was 'chapter' and is now 9"):
        check_settings(stored, dataclasses.replace(stored, corpus=CorpusConfig(corpus="b.txt", max_chars=9)))


def test_a_run_of_before_there_were_readers_reads_its_text_as_it_stood(tmp_path: Path) -> None:
    record = describe_run(TrainConfig(), load_lyrics("built-in", max_chars=9))
    del record["settings"]["data"]["raw"]
    (tmp_path / "config.json").write_text(json.dumps(record), encoding="utf-8")

    assert Run.open(tmp_path).settings().corpus.raw
