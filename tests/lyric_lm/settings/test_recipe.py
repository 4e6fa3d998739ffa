"""The recipe's settings."""

import dataclasses

import pytest

from lyric_lm.data import consecutive_batches
from lyric_lm.settings.config import CorpusConfig, TrainConfig
from lyric_lm.settings.recipe import generalize

LENGTHS = [1, 18_000, 57_000, 60_000, 60_001, 500_000, 500_001, 1_000_000, 10**9]


@pytest.mark.parametrize("num_chars", LENGTHS)
def test_every_length_has_settings_that_hold_a_part_out_and_stop_early(num_chars: int) -> None:
    config = generalize(num_chars)
    assert config.corpus.validates
    assert config.optimizer.patience is not None
    assert config.model.tie_embeddings
    assert (config.sampling.temperature, config.sampling.no_repeat_ngram) == (0.8, 4)
    assert 3 <= config.optimizer.epochs <= 60
    assert TrainConfig.from_dict(config.to_dict()) == config


def test_a_longer_text_has_more_units_and_less_dropout() -> None:
    models = [generalize(num_chars).model for num_chars in LENGTHS]
    assert [m.hidden_size for m in models] == sorted(m.hidden_size for m in models)
    for share in ("dropout", "character_dropout", "label_smoothing"):
        shares = [getattr(m, share) for m in models]
        assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("num_chars", [40, 480, 3_000, 18_000])
def test_a_short_text_is_read_in_rows_that_it_can_fill(num_chars: int) -> None:
    optimizer = generalize(num_chars).optimizer
    assert consecutive_batches(range(num_chars), optimizer.batch_size, optimizer.num_steps).cardinality() >= 1


def test_the_text_is_the_callers() -> None:
    data = CorpusConfig(corpus="song.txt", validation_split=0.3)
    assert generalize(100, corpus=data).corpus == data


def test_a_text_of_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match="Received: num_chars=0"):
        generalize(0)


def test_the_chapter_uses_nothing_of_the_recipe() -> None:
    recipe, chapter = generalize(57_000).to_dict(), TrainConfig().to_dict()
    assert chapter["data"]["validation_split"] is None
    for part, names in {
        "model": ("embedding_dim", "tie_embeddings", "dropout", "character_dropout", "label_smoothing"),
        "optimizer": ("schedule", "warmup", "weight_decay", "rotate", "patience"),
    }.items():
        for name in names:
            assert chapter[part][name] in (None, False, 0.0, "constant")
            assert recipe[part][name] not in (None, False, 0.0, "constant")
    assert dataclasses.asdict(TrainConfig())["optimizer"]["optimizer"] == "sgd"
