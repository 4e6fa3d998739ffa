import math
from pathlib import Path

import keras
import keras_tuner as kt
import pytest

from lyric_lm.data import Lyrics
from lyric_lm.settings.config import TrainConfig
from lyric_lm.tuning.hypermodel import RNNHyperModel
from lyric_lm.tuning.space import SearchSpace, with_settings
from lyric_lm.tuning.trial_state import guessing_score, load_state, save_state, worst_score


@pytest.mark.parametrize("changes", [{"optimizer": "adam", "dropout": 0.5}])
def test_two_halves_make_the_whole_training(
    lyrics: Lyrics, base: TrainConfig, tmp_path: Path, changes: dict[str, object]
) -> None:
    space = SearchSpace(learning_rate=(0.01, 0.05), hidden_size=(4,))
    hypermodel = RNNHyperModel(lyrics, base=with_settings(base, changes), space=space)
    hp = kt.HyperParameters()
    hypermodel.train_config(hp)
    keras.utils.set_random_seed(3)
    whole = hypermodel.build(hp)
    expected = hypermodel.fit(hp, whole, epochs=4).history["loss"]
    keras.utils.set_random_seed(3)
    first = hypermodel.build(hp)
    hypermodel.fit(hp, first, epochs=2)
    save_state(first, tmp_path / "state.npz")
    second = hypermodel.build(hp)
    second.optimizer.build(second.trainable_variables)
    load_state(second, tmp_path / "state.npz")
    assert hypermodel.fit(hp, second, epochs=4, initial_epoch=2).history["loss"] == expected[2:]


def test_the_worst_score_is_the_square_of_the_uniform_guess() -> None:
    assert worst_score("val_perplexity", 7) == 49.0
    assert guessing_score("perplexity", 7) == 7.0
    assert guessing_score("val_loss", 7) == pytest.approx(math.log(7))
    assert worst_score("loss", 7) == pytest.approx(2 * math.log(7))
