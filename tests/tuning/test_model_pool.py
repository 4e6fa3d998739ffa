import keras
import keras_tuner as kt
import pytest

from lyric_lm.data import Lyrics
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import TrainConfig
from lyric_lm.settings.space import SearchSpace
from lyric_lm.tuning.hypermodel import RNNHyperModel
from lyric_lm.tuning.model_pool import ModelPool

SPACE = SearchSpace(learning_rate=(1e-3, 1e-1), hidden_size=(4,))


def seeded_build(hypermodel: RNNHyperModel, hp: kt.HyperParameters) -> RNNModel:
    keras.utils.set_random_seed(3)
    return hypermodel.build(hp)


def hyperparameters(rate: float) -> kt.HyperParameters:
    hp = kt.HyperParameters()
    hp.values["learning_rate"] = rate
    return hp


def lend(pool: ModelPool, hypermodel: RNNHyperModel, rate: float) -> RNNModel:
    hp = hyperparameters(rate)
    return pool.exchange(seeded_build(hypermodel, hp), hypermodel.train_config(hp))


@pytest.mark.parametrize("changes", [{"optimizer": "adam"}, {"dropout": 0.5, "cell": "gru"}])
def test_a_lent_model_trains_bit_for_bit_as_a_new_one(
    lyrics: Lyrics, base: TrainConfig, changes: dict[str, object]
) -> None:
    hypermodel = RNNHyperModel(lyrics, base=with_settings(base, changes), space=SPACE)
    pool = ModelPool()
    first = lend(pool, hypermodel, 0.05)
    hypermodel.fit(hyperparameters(0.05), first, epochs=2)

    hp = hyperparameters(0.02)
    new = seeded_build(hypermodel, hp)
    expected = hypermodel.fit(hp, new, epochs=2).history
    lent = lend(pool, hypermodel, 0.02)
    assert lent is first
    assert hypermodel.fit(hp, lent, epochs=2).history == expected
    for mine, its in zip(lent.get_weights(), new.get_weights(), strict=True):
        assert (mine == its).all()


def test_models_that_differ_in_more_than_numbers_are_not_shared(lyrics: Lyrics, base: TrainConfig) -> None:
    pool = ModelPool()
    models = []
    for changes in (
        {},
        {"clipping_theta": 0.5},
        {"hidden_size": 6},
        {"optimizer": "adam"},
        {"schedule": "cosine"},
    ):
        space = SearchSpace(learning_rate=(1e-3, 1e-1))
        hypermodel = RNNHyperModel(lyrics, base=with_settings(base, changes), space=space)
        models.append(lend(pool, hypermodel, 0.05))
    assert len({id(model) for model in models}) == len(models)


def test_a_full_pool_forgets_the_model_unused_for_longest(lyrics: Lyrics, base: TrainConfig) -> None:
    pool = ModelPool(size=2)

    def of_size(hidden_size: int) -> object:
        space = SearchSpace(learning_rate=(1e-3, 1e-1), hidden_size=(hidden_size,))
        return lend(pool, RNNHyperModel(lyrics, base=base, space=space), 0.05)

    two, three = of_size(2), of_size(3)
    assert of_size(2) is two
    of_size(5)
    assert of_size(2) is two
    assert of_size(3) is not three
