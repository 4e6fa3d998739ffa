"""What a training reads."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lyric_lm.data import CorpusError, UnknownCharacterError, consecutive_batches
from lyric_lm.settings.config import CorpusConfig, OptimizerConfig, ReportConfig, TrainConfig
from lyric_lm.training.texts import Texts, read_texts, validation_batches

SMALL = OptimizerConfig(batch_size=2, num_steps=3)


@pytest.fixture
def song(tmp_path: Path) -> str:
    path = tmp_path / "song.txt"
    path.write_text("abcdefghi jkl mno pq", encoding="utf-8")
    return str(path)


def test_without_validation_the_text_is_one_and_has_no_unknown_token(song: str) -> None:
    texts = read_texts(CorpusConfig(corpus=song, max_chars=None))
    assert texts.validation is None
    assert texts.vocabulary.unknown_id is None


def test_a_split_holds_out_the_end_and_knows_the_first_part_only(song: str) -> None:
    texts = read_texts(CorpusConfig(corpus=song, max_chars=15, validation_split=0.2))
    assert texts.training.text == "abcdefghi jk"
    assert texts.validation is not None
    assert texts.validation.text == "l m"
    assert texts.validation.ids.tolist() == [12, 0, 12]  # sorted, the space first and the unknown token last


def test_another_text_to_validate_on_takes_the_place_of_the_split_with_the_training_vocabulary(
    song: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("ax\nb", encoding="utf-8")
    texts = read_texts(
        CorpusConfig(corpus=song, max_chars=3, validation_corpus=str(other), validation_split=0.1)
    )
    assert texts.training.text == "abc"
    assert texts.training.ids.tolist() == [0, 1, 2]
    assert texts.validation is not None
    assert texts.validation.text == "ax b"
    assert texts.validation.ids.tolist() == [0, 3, 3, 1]


def test_a_validation_text_without_a_single_target_is_refused(song: str) -> None:
    with pytest.raises(CorpusError, match=r"validation_split=0.05 of 20 characters, is too short"):
        read_texts(CorpusConfig(corpus=song, max_chars=None, validation_split=0.05))


def test_a_prefix_of_unknown_characters_is_refused_although_there_is_an_unknown_token(song: str) -> None:
    texts = read_texts(CorpusConfig(corpus=song, max_chars=None, validation_split=0.2))
    assert texts.vocabulary.unknown_id is not None
    config = TrainConfig(optimizer=SMALL, report=ReportConfig(prefixes=("ab", "axb")))
    with pytest.raises(UnknownCharacterError, match=r"lacks 'x' .*: choose other prefixes"):
        texts.check(config)


def test_the_chapters_batches_are_left_alone(song: str) -> None:
    texts = read_texts(CorpusConfig(corpus=song, max_chars=None))
    expected = [pair[0].numpy().tolist() for pair in consecutive_batches(texts.training.ids, 2, 3)]
    assert [ids.numpy().tolist() for ids, _ in texts.batches(TrainConfig(optimizer=SMALL))] == expected


def test_held_out_text_makes_rare_characters_unknown_now_and_then_unless_the_share_is_zero(song: str) -> None:
    texts = read_texts(CorpusConfig(corpus=song, max_chars=None, validation_split=0.2))
    unknown_id = texts.vocabulary.unknown_id

    def num_unknown(share: float) -> int:
        batches = texts.batches(TrainConfig(corpus=CorpusConfig(unknown_share=share), optimizer=SMALL))
        return sum(int((ids.numpy() == unknown_id).sum()) for ids, _ in batches)

    assert num_unknown(0.5) > 0
    assert num_unknown(0.0) == 0


def test_repeats_are_left_out_of_the_batches_only_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "chorus.txt"
    path.write_text("abcdefgh\nijk\nlmnopqrs\nabcdefgh\nijk\ntu", encoding="utf-8")
    data = CorpusConfig(corpus=str(path), max_chars=None)
    texts = read_texts(data)
    skipping = dataclasses.replace(data, skip_repeats=True)

    def read(data: CorpusConfig) -> str:
        sizes = OptimizerConfig(batch_size=1, num_steps=4)
        batches = texts.batches(TrainConfig(corpus=data, optimizer=sizes))
        return "".join(texts.vocabulary.decode(ids.numpy()[0]) for ids, _ in batches)

    assert read(data) == "abcdefgh ijk lmnopqrs abcdefgh ijk tu"[:36]
    assert read(skipping) == "abcdefgh ijk lmnopqrs tu"[:20]


def test_trainings_share_what_is_cut_alike_and_nothing_else(song: str) -> None:
    texts = read_texts(CorpusConfig(corpus=song, max_chars=None, validation_split=0.2))

    def batches(share: float = 0.5, **optimizer: Any) -> Any:
        data = CorpusConfig(unknown_share=share)
        return texts.batches(TrainConfig(data, optimizer=dataclasses.replace(SMALL, **optimizer)))

    assert batches() is batches(learning_rate=3.0, epochs=7)
    kinds = [
        batches(),
        batches(0.0),
        batches(0.25),
        batches(rotate=True),
        batches(seed=1),
        batches(num_steps=2),
    ]
    assert len({id(kind) for kind in kinds}) == len(kinds)
    assert batches(0.0) is batches(0.0, seed=1)  # nothing random in it
    assert texts.validation_batches is texts.validation_batches
    assert Texts(texts.training).validation_batches is None


@pytest.mark.parametrize("num_ids", [2, 3, 499, 500, 1033, 6_328, 40_001])
def test_validation_scores_nearly_every_target_once_in_long_rows(num_ids: int) -> None:
    batches = list(validation_batches(np.arange(num_ids)))
    targets = np.concatenate([next_ids.numpy().ravel() for _, next_ids in batches])
    assert len(np.unique(targets)) == len(targets)
    assert num_ids - 1 - len(targets) < 0.01 * num_ids
    assert min(num_ids, 500) - 1 <= batches[0][0].shape[1] * len(batches) + 1
