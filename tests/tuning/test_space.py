import dataclasses
import itertools

import keras_tuner as kt
import pytest

from lyric_lm.errors import SettingsError
from lyric_lm.settings.config import ModelConfig, OptimizerConfig, TrainConfig
from lyric_lm.settings.recipe import generalize
from lyric_lm.tuning.space import SearchSpace, choices, with_settings


def test_learning_rate_and_hidden_size_vary_by_default() -> None:
    assert SearchSpace().searched(TrainConfig()) == {
        "learning_rate": (10.0, 1000.0),
        "hidden_size": (64, 128, 256, 512),
    }


def test_a_learning_rate_given_by_the_training_is_not_searched() -> None:
    base = TrainConfig(optimizer=OptimizerConfig(learning_rate=3.0))
    assert set(SearchSpace().searched(base)) == {"hidden_size"}


def test_each_of_several_optimizers_has_a_learning_rate_of_its_own() -> None:
    space = SearchSpace(optimizers=("sgd", "adam"))
    hp = kt.HyperParameters()
    space.declare(hp, TrainConfig())
    hp.values.update(optimizer="adam", learning_rate_adam=0.007)
    optimizer = space.declare(hp, TrainConfig()).optimizer
    assert (optimizer.optimizer, optimizer.learning_rate) == ("adam", 0.007)
    rates = {h.name: (h.min_value, h.max_value) for h in hp.space if h.name.startswith("learning")}
    assert rates["learning_rate_sgd"] == (10.0, 1000.0)
    assert rates["learning_rate_adam"] == pytest.approx((3e-4, 3e-2))


def test_every_field_reaches_the_setting_that_it_names() -> None:
    space = SearchSpace(
        learning_rates=(1.0, 5.0),
        hidden_sizes=(2, 3),
        optimizers=("sgd", "adam"),
        cells=("gru", "lstm"),
        layers=(1, 4),
        dropouts=(0.1, 0.6),
        thetas=(0.5, 7.0),
        batch_sizes=(8, 9),
        step_counts=(10, 11),
    )
    hp = kt.HyperParameters()
    space.declare(hp, TrainConfig())
    values = {name: pair[1] for name, pair in space.searched(TrainConfig()).items()}
    hp.values.update(values)
    config = space.declare(hp, TrainConfig()).to_dict()
    flat = {name: value for part in config.values() for name, value in part.items()}
    assert len(values) == len(dataclasses.fields(SearchSpace))
    assert {name: flat[name] for name in values} == values


def test_a_single_choice_is_set_and_not_searched() -> None:
    space = SearchSpace(hidden_sizes=(6,), cells=("gru",))
    hp = kt.HyperParameters()
    config = space.declare(hp, TrainConfig())
    assert (config.model.hidden_size, config.model.cell) == (6, "gru")
    assert [h.name for h in hp.space] == ["learning_rate"]


def test_a_subclass_varies_another_setting() -> None:
    @dataclasses.dataclass(frozen=True)
    class WithActivation(SearchSpace):
        activations: tuple[str, ...] = choices("activation", ("tanh", "relu"))

    hp = kt.HyperParameters()
    space = WithActivation(hidden_sizes=())
    space.declare(hp, TrainConfig())
    hp.values["activation"] = "relu"
    assert space.declare(hp, TrainConfig()).model.activation == "relu"


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rates": (2.0, 1.0)},
        {"learning_rates": (0.0, 1.0)},
        {"thetas": (1.0, float("inf"))},
        {"hidden_sizes": (8, 8)},
        {"hidden_sizes": (8, 0)},
        {"dropouts": (0.0, 1.0)},
        {"batch_sizes": (-1, 2)},
    ],
)
def test_values_that_no_training_accepts_are_refused_by_name(values: dict[str, tuple[float, ...]]) -> None:
    (name,) = values
    setting = {f.name: f.metadata["setting"] for f in dataclasses.fields(SearchSpace)}[name]
    with pytest.raises(ValueError, match=f"`({name}|{setting})`.*Received"):
        SearchSpace(**values)  # type: ignore[arg-type]


def test_a_setting_both_fixed_and_searched_is_a_contradiction() -> None:
    with pytest.raises(SettingsError, match=r"fixes 300, .* searches 4 5: .* or give --hidden-sizes 300"):
        SearchSpace(hidden_sizes=(4, 5)).searched(TrainConfig(model=ModelConfig(hidden_size=300)))
    base = TrainConfig(optimizer=OptimizerConfig(learning_rate=9.0))
    with pytest.raises(SettingsError, match="--learning-rate fixes 9"):
        SearchSpace(learning_rates=(1.0, 5.0)).searched(base)


def test_settings_that_do_not_go_together_are_a_settings_error() -> None:
    base = TrainConfig(optimizer=OptimizerConfig(optimizer="adamw", weight_decay=0.1))
    for space in (SearchSpace(optimizers=("sgd", "adamw")), SearchSpace(optimizers=("adamw", "sgd"))):
        with pytest.raises(SettingsError, match="weight_decay"):
            space.declare(kt.HyperParameters(), base)


def test_what_the_recipe_says_fixes_nothing_that_is_searched_and_what_the_user_says_does() -> None:
    recipe = generalize(200_000)  # 384 hidden units, dropout 0.3
    space = SearchSpace(hidden_sizes=(100, 200), dropouts=(0.1, 0.2), thetas=(2.0, 3.0))
    with pytest.raises(SettingsError, match="--hidden-size fixes 384"):
        space.searched(recipe)
    assert {"hidden_size", "dropout", "clipping_theta"} == set(space.searched(space.freed(recipe, recipe)))
    base = with_settings(recipe, {"hidden_size": 300})
    with pytest.raises(SettingsError, match="--hidden-size fixes 300"):
        space.searched(space.freed(base, recipe))


def test_a_value_that_the_user_fixes_is_not_searched_even_where_the_space_holds_it() -> None:
    fixed = TrainConfig(model=ModelConfig(hidden_size=128))
    with pytest.raises(SettingsError, match="--hidden-size fixes 128, while --hidden-sizes searches 64 128"):
        SearchSpace().freed(fixed, TrainConfig())
    assert SearchSpace(hidden_sizes=(128,)).freed(fixed, TrainConfig()) == fixed


def test_with_settings_changes_exactly_what_it_is_given() -> None:
    base = TrainConfig()
    for names in itertools.combinations(("hidden_size", "epochs", "max_chars", "every"), 2):
        changed = with_settings(base, dict.fromkeys(names, 7)).to_dict()
        flat = {n: v for part in changed.values() for n, v in part.items()}
        usual = {n: v for part in base.to_dict().values() for n, v in part.items()}
        assert {n for n in flat if flat[n] != usual[n]} == set(names)
    with pytest.raises(ValueError, match="`colour` is not a setting"):
        with_settings(base, {"colour": 1})
