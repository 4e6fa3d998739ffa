from pathlib import Path
from typing import Any

import keras
import keras_tuner as kt
import numpy as np
import pytest

from lyric_lm.data import Lyrics, consecutive_batches
from lyric_lm.errors import SettingsError
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import TrainConfig
from lyric_lm.settings.space import SearchSpace
from lyric_lm.training import train
from lyric_lm.tuning.hypermodel import RNNHyperModel

SPACE = SearchSpace(learning_rate=(1.0, 60.0), hidden_size=(4, 6))


def batches_of(lyrics: Lyrics) -> Any:
    return consecutive_batches(lyrics.ids, 2, 5)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (kt.RandomSearch, {"max_trials": 2}),
        pytest.param(kt.BayesianOptimization, {"max_trials": 2}, marks=pytest.mark.slow),
        pytest.param(kt.GridSearch, {"max_trials": 2}, marks=pytest.mark.slow),
        pytest.param(kt.Hyperband, {"max_epochs": 2}, marks=pytest.mark.slow),
    ],
)
def test_each_of_keras_tuner_s_tuners_searches_it_as_its_guide_shows(
    kind: Any, options: dict[str, int], lyrics: Lyrics, base: TrainConfig, tmp_path: Path
) -> None:
    hypermodel = RNNHyperModel(lyrics, base=with_settings(base, {"epochs": 2}), space=SPACE)
    tuner = kind(hypermodel, objective="perplexity", directory=str(tmp_path), **options)
    tuner.search()
    best, other = tuner.get_best_models(2)
    assert best is not other
    assert best.vocabulary == lyrics.vocabulary
    trial = tuner.oracle.get_best_trials()[0]
    assert {trial.status for trial in tuner.oracle.trials.values()} == {"COMPLETED"}
    assert trial.score < len(lyrics.vocabulary) ** 2
    tuner.results_summary()
    tuner.search_space_summary()
    assert tuner.hypermodel.build(tuner.get_best_hyperparameters()[0]).built

    again = kind(hypermodel, objective="perplexity", directory=str(tmp_path), **options)
    assert again.oracle.get_best_trials()[0].score == trial.score
    ids, _ = next(iter(batches_of(lyrics)))
    np.testing.assert_array_equal(again.get_best_models()[0](ids)[0], best(ids)[0])


@pytest.mark.parametrize("positional", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_data_of_ones_own_may_be_given_to_a_stock_search(
    positional: bool, lyrics: Lyrics, base: TrainConfig, tmp_path: Path
) -> None:
    tuner = kt.RandomSearch(
        RNNHyperModel(lyrics, base=base, space=SPACE),
        objective="val_perplexity",
        max_trials=1,
        directory=str(tmp_path),
    )
    batches = batches_of(lyrics)
    args, named = ((batches,), {}) if positional else ((), {"x": batches})
    stop = keras.callbacks.EarlyStopping("loss", patience=1)
    tuner.search(*args, **named, epochs=2, validation_data=batches.take(1), callbacks=[stop])
    (trial,) = tuner.oracle.trials.values()
    assert trial.status == "COMPLETED"
    assert trial.metrics.exists("val_loss")


def test_searches_without_a_seed_differ_and_so_do_two_trainings_of_one_trial(
    lyrics: Lyrics, base: TrainConfig, tmp_path: Path
) -> None:
    rates = set()
    for name in ("first", "second", "third"):
        hypermodel = RNNHyperModel(lyrics, base=base, space=SPACE)
        tuner = kt.RandomSearch(
            hypermodel, objective="loss", max_trials=1, directory=str(tmp_path), project_name=name
        )
        rates.add(tuner.oracle.create_trial("w").hyperparameters.values["learning_rate"])
    assert len(rates) == 3
    models = [hypermodel.build(kt.HyperParameters()) for _ in range(2)]
    weights = [model.get_weights()[0] for model in models]
    assert (weights[0] != weights[1]).any()


def test_build_and_fit_do_what_train_does_with_the_same_settings_and_seed(
    lyrics: Lyrics, base: TrainConfig
) -> None:
    hp = kt.HyperParameters()
    hypermodel = RNNHyperModel(lyrics, base=base, space=SPACE)
    hypermodel.train_config(hp)
    hp.values.update(learning_rate=33.0, hidden_size=6)
    keras.utils.set_random_seed(base.optimizer.seed)
    model = hypermodel.build(hp)
    hypermodel.fit(hp, model)
    trained = train(with_settings(base, {"learning_rate": 33.0, "hidden_size": 6})).model
    for mine, its in zip(model.get_weights(), trained.get_weights(), strict=True):
        assert (mine == its).all()


def test_extra_code_may_vary_what_a_space_cannot_say(lyrics: Lyrics, base: TrainConfig) -> None:
    def extra(hp: kt.HyperParameters, config: TrainConfig) -> TrainConfig:
        width = hp.Int("width", 3, 5)
        return with_settings(config, {"embedding_dim": width, "hidden_size": 2 * width})

    space = SearchSpace(learning_rate=(1.0, 60.0), hidden_size=())
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
        RNNHyperModel(lyrics, base=fixed, space=SearchSpace(hidden_size=(6,)))


def test_a_model_larger_than_the_memory_is_refused(lyrics: Lyrics, base: TrainConfig) -> None:
    hypermodel = RNNHyperModel(lyrics, base=base, space=SearchSpace(hidden_size=(4, 9_000_000)))
    hp = kt.HyperParameters()
    hypermodel.train_config(hp)
    hp.values["hidden_size"] = 9_000_000
    with pytest.raises(SettingsError, match="memory"):
        hypermodel.build(hp)
