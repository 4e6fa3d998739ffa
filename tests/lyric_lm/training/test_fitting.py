"""Settings that nobody gave suit the text; those that somebody gave stay."""

import dataclasses
from pathlib import Path

import pytest

from lyric_lm.data import CorpusError
from lyric_lm.settings.config import CorpusConfig, OptimizerConfig, ReportConfig, TrainConfig
from lyric_lm.training.fitting import common_beginnings, expectations, fit_settings, load_fitted
from lyric_lm.training.texts import Texts, read_texts


def texts_of(folder: Path, text: str, *, split: float | None = None) -> tuple[CorpusConfig, Texts]:
    (folder / "song.txt").write_text(text, encoding="utf-8")
    config = CorpusConfig(corpus=str(folder / "song.txt"), validation_split=split)
    return config, read_texts(config)


def test_the_chapters_limit_is_for_the_chapters_corpora_only() -> None:
    assert [CorpusConfig(corpus=corpus).limit for corpus in ("built-in", "jaychou")] == [10_000, 10_000]
    assert CorpusConfig(corpus="my.txt").limit is None
    assert CorpusConfig(corpus=("built-in", "my.txt")).limit is None
    assert CorpusConfig(corpus="my.txt", max_chars=7).limit == 7
    assert CorpusConfig(max_chars=None).limit is None


def test_prefixes_that_do_not_stand_in_the_text_give_way_to_its_commonest_beginnings(tmp_path: Path) -> None:
    data, texts = texts_of(tmp_path, "Rain falls\nrain\nRain again\nGo away\nGo\nRain\n" * 99)

    config, notes = fit_settings(TrainConfig(corpus=data), texts)

    assert config.report.prefixes == ("Rain", "Go")
    assert len(notes) == 1
    assert "'Rain' and 'Go' (--prefixes)" in notes[0]


def test_prefixes_stay_where_they_stand_in_the_text_or_somebody_gave_them(tmp_path: Path) -> None:
    data, texts = texts_of(tmp_path, "不分开啊\n" * 400)
    _, others = texts_of(tmp_path, "雨停风起\n" * 400)
    given = TrainConfig(corpus=data, report=ReportConfig(prefixes=("龘",)))

    assert fit_settings(TrainConfig(corpus=data), texts) == (TrainConfig(corpus=data), [])
    assert fit_settings(given, others) == (given, [])


def test_beginnings_are_two_characters_or_a_word_of_letters(tmp_path: Path) -> None:
    _, texts = texts_of(tmp_path, "雨停了\n雨停\n\n  Élise joue\nélan\n雨\nΑγάπη μου\nΑγάπη\n")

    assert common_beginnings(texts.training, 2) == ("雨停", "Αγάπη")


@pytest.mark.parametrize(
    ("num_chars", "given", "sizes"),
    [
        (1_152, {}, (32, 35)),  # one batch fits
        (1_151, {}, (7, 35)),
        (40, {}, (1, 35)),
        (20, {}, (1, 19)),
        (300, {"batch_size": 20}, (20, 14)),
        (300, {"num_steps": 50}, (1, 50)),
        (300, {"batch_size": 20, "num_steps": 15}, None),
        (30, {"batch_size": 31}, None),
    ],
)
def test_batches_that_nobody_gave_become_small_enough_for_one_at_least(
    tmp_path: Path, num_chars: int, given: dict[str, int], sizes: tuple[int, int] | None
) -> None:
    data, texts = texts_of(
        tmp_path, "分不开啊"[: max(1, num_chars)] * (num_chars // 4) + "开" * (num_chars % 4)
    )
    config = TrainConfig(corpus=data, optimizer=OptimizerConfig(**given))  # type: ignore[arg-type]

    fitted, notes = fit_settings(config, texts)

    if sizes is None:
        assert (fitted, notes) == (config, [])
        with pytest.raises(CorpusError, match="too short for one batch"):
            load_fitted(config, notes.append)
        return
    assert (fitted.optimizer.batch_size, fitted.optimizer.num_steps) == sizes
    assert len(notes) == (fitted != config)
    assert int(texts.batches(fitted).cardinality()) >= 1
    assert fitted == dataclasses.replace(config, optimizer=fitted.optimizer)


def test_a_short_text_gets_a_sentence_about_what_to_expect(tmp_path: Path) -> None:
    _, short = texts_of(tmp_path, "雨停风起\n" * 20, split=0.2)
    _, long = texts_of(tmp_path, "雨停风起\n" * 2_000, split=0.2)

    assert [sentence.split()[0] for sentence in expectations(short)] == ["80", "20"]
    assert expectations(long) == []
