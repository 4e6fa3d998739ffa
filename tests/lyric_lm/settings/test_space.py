import itertools
from typing import Any

import keras_tuner as kt
import pytest

from lyric_lm.errors import SettingsError
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import ModelConfig, OptimizerConfig, TrainConfig
from lyric_lm.settings.recipe import generalize
from lyric_lm.settings.space import DEFAULT_SPACE, FORMER_NAMES, SearchSpace


def test_learning_rate_and_hidden_size_vary_by_default() -> None:
    assert DEFAULT_SPACE.searched(TrainConfig()) == {
        "learning_rate": (10.0, 1000.0),
        "hidden_size": (64, 128, 256, 512),
    }


def test_a_learning_rate_given_by_the_training_is_not_searched() -> None:
    base = TrainConfig(optimizer=OptimizerConfig(learning_rate=3.0))
    assert set(DEFAULT_SPACE.searched(base)) == {"hidden_size"}


def test_each_of_several_optimizers_has_a_learning_rate_of_its_own() -> None:
    space = SearchSpace(optimizer=("sgd", "adam"))
    hp = kt.HyperParameters()
    space.declare(hp, TrainConfig())
    hp.values.update(optimizer="adam", learning_rate_adam=0.007)
    optimizer = space.declare(hp, TrainConfig()).optimizer
    assert (optimizer.optimizer, optimizer.learning_rate) == ("adam", 0.007)
    rates = {h.name: (h.min_value, h.max_value) for h in hp.space if h.name.startswith("learning")}
    assert rates["learning_rate_sgd"] == (10.0, 1000.0)
    assert rates["learning_rate_adam"] == pytest.approx((3e-4, 3e-2))


def test_every_setting_reaches_the_training_that_it_is_searched_for() -> None:
    settings: dict[str, tuple[Any, ...]] = {
        "learning_rate": (1.0, 5.0),
        "hidden_size": (2, 3),
        "optimizer": ("sgd", "adam"),
        "cell": ("gru", "lstm"),
        "num_layers": (1, 4),
        "dropout": (0.1, 0.6),
        "clipping_theta": (0.5, 7.0),
        "batch_size": (8, 9),
        "num_steps": (10, 11),
        "activation": ("tanh", "relu"),
        "embedding_dim": (5, 6),
        "tie_embeddings": (False, True),
        "label_smoothing": (0.0, 0.2),
    }
    space = SearchSpace(**settings)
    base = TrainConfig(model=ModelConfig(embedding_dim=4))
    hp = kt.HyperParameters()
    space.declare(hp, base)
    values = {name: pair[1] for name, pair in space.searched(base).items()}
    hp.values.update(values)
    config = space.declare(hp, base).to_dict()
    flat = {name: value for part in config.values() for name, value in part.items()}
    assert values.keys() == settings.keys()
    assert {name: flat[name] for name in values} == values


def test_three_learning_rates_are_choices_and_two_are_an_interval() -> None:
    hp = kt.HyperParameters()
    SearchSpace(learning_rate=(1.0, 2.0, 4.0), clipping_theta=(0.1, 1.0)).declare(hp, TrainConfig())
    kinds = {h.name: type(h).__name__ for h in hp.space}
    assert kinds == {"learning_rate": "Choice", "clipping_theta": "Float"}


@pytest.mark.parametrize("former", FORMER_NAMES)
def test_a_former_name_works_and_is_told(former: str) -> None:
    values = {"optimizers": ("sgd", "adam"), "cells": ("gru", "lstm")}.get(former, (0.25, 0.5))
    now = FORMER_NAMES[former]
    with pytest.warns(DeprecationWarning, match=f"`{former}` is called `{now}` now"):
        space = SearchSpace(**{former: values})
    assert space.values == {now: values}


def test_a_single_choice_is_set_and_not_searched() -> None:
    space = SearchSpace(hidden_size=(6,), cell=("gru",))
    hp = kt.HyperParameters()
    config = space.declare(hp, TrainConfig())
    assert (config.model.hidden_size, config.model.cell) == (6, "gru")
    assert [h.name for h in hp.space] == ["learning_rate"]


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": (2.0, 1.0)},
        {"learning_rate": (0.0, 1.0)},
        {"clipping_theta": (1.0, float("inf"))},
        {"hidden_size": (8, 8)},
        {"cell": "gru"},
        {"colour": (1, 2)},
    ],
)
def test_values_that_are_no_space_are_refused_by_name(values: dict[str, Any]) -> None:
    (name,) = values
    with pytest.raises(ValueError, match=f"`{name}` (must .*Received|is not a setting)"):
        SearchSpace(**values)


@pytest.mark.parametrize(
    "values",
    [{"hidden_size": (8, 0)}, {"hidden_size": (0,)}, {"dropout": (0.0, 1.0)}, {"batch_size": (-1, 2)}],
)
def test_values_that_no_training_accepts_are_refused_by_name(values: dict[str, Any]) -> None:
    (name,) = values
    with pytest.raises(SettingsError, match=f"`{name}`.*Received"):
        SearchSpace(**values).searched(TrainConfig())


def test_what_the_space_says_counts_whatever_the_settings_that_stay_say() -> None:
    recipe = generalize(200_000)  # 384 hidden units, dropout 0.3
    space = SearchSpace(hidden_size=(100, 200), dropout=(0.1,), learning_rate=(2.0, 3.0))
    assert space.searched(recipe) == {"hidden_size": (100, 200), "learning_rate": (2.0, 3.0)}
    assert space.fixed(recipe).model.dropout == 0.1


def test_settings_that_do_not_go_together_are_a_settings_error() -> None:
    base = TrainConfig(optimizer=OptimizerConfig(optimizer="adamw", weight_decay=0.1))
    for space in (SearchSpace(optimizer=("sgd", "adamw")), SearchSpace(optimizer=("adamw", "sgd"))):
        with pytest.raises(SettingsError, match="weight_decay"):
            space.declare(kt.HyperParameters(), base)


def test_with_settings_changes_exactly_what_it_is_given() -> None:
    base = TrainConfig()
    for names in itertools.combinations(("hidden_size", "epochs", "max_chars", "every"), 2):
        changed = with_settings(base, dict.fromkeys(names, 7)).to_dict()
        flat = {n: v for part in changed.values() for n, v in part.items()}
        before = {n: v for part in base.to_dict().values() for n, v in part.items()}
        assert {n for n in flat if flat[n] != before[n]} == set(names)
    with pytest.raises(ValueError, match="`colour` is not a setting"):
        with_settings(base, {"colour": 1})
