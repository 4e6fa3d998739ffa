from pathlib import Path

import keras_tuner as kt
import pytest

from lyric_lm.data import Lyrics
from lyric_lm.errors import SettingsError
from lyric_lm.settings.config import TrainConfig
from lyric_lm.training import train
from lyric_lm.tuning.hypermodel import RNNHyperModel
from lyric_lm.tuning.space import SearchSpace, with_settings

SPACE = SearchSpace(learning_rates=(1.0, 60.0), hidden_sizes=(4, 6))


def test_a_stock_tuner_can_search_it(lyrics: Lyrics, base: TrainConfig, tmp_path: Path) -> None:
    tuner = kt.RandomSearch(
        RNNHyperModel(lyrics, base=base, space=SPACE),
        objective=kt.Objective("perplexity", "min"),
        max_trials=2,
        directory=str(tmp_path),
    )
    tuner.search(epochs=1)
    best, other = tuner.get_best_models(2)
    assert best is not other
    assert tuner.oracle.get_best_trials()[0].score < len(lyrics.vocabulary) ** 2


def test_build_and_fit_do_what_train_does_with_the_same_settings(lyrics: Lyrics, base: TrainConfig) -> None:
    hp = kt.HyperParameters()
    hypermodel = RNNHyperModel(lyrics, base=base, space=SPACE)
    hypermodel.build(hp)
    hp.values.update(learning_rate=33.0, hidden_size=6)
    model = hypermodel.build(hp)
    hypermodel.fit(hp, model)
    trained = train(with_settings(base, {"learning_rate": 33.0, "hidden_size": 6})).model
    for mine, its in zip(model.get_weights(), trained.get_weights(), strict=True):
        assert (mine == its).all()


def test_the_text_is_cut_once_for_each_pair_of_sizes(lyrics: Lyrics, base: TrainConfig) -> None:
    hypermodel = RNNHyperModel(lyrics, base=base, space=SPACE)
    first = hypermodel.batches(base)
    assert hypermodel.batches(with_settings(base, {"learning_rate": 2.0, "seed": 8})) is first
    assert hypermodel.batches(with_settings(base, {"num_steps": 7})) is not first


def test_extra_code_may_vary_what_a_space_cannot_say(lyrics: Lyrics, base: TrainConfig) -> None:
    def extra(hp: kt.HyperParameters, config: TrainConfig) -> TrainConfig:
        width = hp.Int("width", 3, 5)
        return with_settings(config, {"embedding_dim": width, "hidden_size": 2 * width})

    space = SearchSpace(learning_rates=(1.0, 60.0), hidden_sizes=())
    hypermodel = RNNHyperModel(lyrics, base=base, space=space, extra=extra)
    hp = kt.HyperParameters()
    hypermodel.train_config(hp)
    hp.values["width"] = 5
    model = hypermodel.build(hp)
    assert (model.embedding_dim, model.rnns[0].cell.units) == (5, 10)
    assert hypermodel.varied(hp).keys() == {"learning_rate", "width"}


def test_a_space_that_varies_nothing_is_refused(lyrics: Lyrics, base: TrainConfig) -> None:
    fixed = with_settings(base, {"learning_rate": 2.0})
    with pytest.raises(SettingsError, match="nothing to search"):
        RNNHyperModel(lyrics, base=fixed, space=SearchSpace(hidden_sizes=(6,)))


def test_a_model_larger_than_the_memory_is_refused(lyrics: Lyrics, base: TrainConfig) -> None:
    hypermodel = RNNHyperModel(lyrics, base=base, space=SearchSpace(hidden_sizes=(4, 9_000_000)))
    hp = kt.HyperParameters()
    hypermodel.train_config(hp)
    hp.values["hidden_size"] = 9_000_000
    with pytest.raises(SettingsError, match="memory"):
        hypermodel.build(hp)
