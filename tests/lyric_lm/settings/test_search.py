import pytest

from lyric_lm.errors import SettingsError
from lyric_lm.settings.search import SearchConfig, SearchRunConfig, ServiceConfig


@pytest.mark.parametrize(("held_out", "expected"), [(False, "perplexity"), (True, "val_perplexity")])
def test_the_objective_is_of_the_held_out_text_where_there_is_one(held_out: bool, expected: str) -> None:
    assert SearchConfig().checked_objective(held_out=held_out) == expected


def test_a_wrong_objective_is_refused_with_the_valid_names() -> None:
    with pytest.raises(SettingsError, match=r"'accuracy'.*loss or perplexity or val_loss or val_perplexity"):
        SearchConfig(objective="accuracy").checked_objective(held_out=True)
    with pytest.raises(SettingsError, match="--validation-split"):
        SearchConfig(objective="val_loss").checked_objective(held_out=False)


def test_only_tuners_that_would_not_end_have_a_limit_of_their_own() -> None:
    limits = [SearchConfig(tuner=t).trial_limit for t in ("random", "bayesian", "hyperband", "grid")]
    assert limits == [30, 30, None, None]
    assert SearchConfig(tuner="grid", max_trials=4).trial_limit == 4


def test_numbers_out_of_range_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="`max_trials` must be at least 1"):
        SearchConfig(max_trials=0)
    with pytest.raises(ValueError, match="`search_seed`"):
        SearchConfig(search_seed=-1)
    with pytest.raises(ValueError, match="`retrain`"):
        SearchRunConfig(retrain=-1)
    with pytest.raises(ValueError, match="`port`"):
        ServiceConfig(port=65_536)
    with pytest.raises(ValueError, match="`workers`"):
        ServiceConfig(workers=-1)
    with pytest.raises(ValueError, match="`worker_timeout`"):
        ServiceConfig(worker_timeout=0.0)
