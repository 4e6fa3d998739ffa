import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner as kt
import numpy as np
import pytest

from lyric_lm.settings.search import SearchConfig
from lyric_lm.tuning.oracles import (
    MAX_FAILURES,
    BayesianOracle,
    DurableOracle,
    GridOracle,
    HyperbandOracle,
    RandomOracle,
    build_oracle,
    score_of_perplexity,
)

OBJECTIVE = kt.Objective("perplexity", "min")


def small_space() -> kt.HyperParameters:
    hp = kt.HyperParameters()
    hp.Choice("cell", ["rnn", "gru", "lstm"])
    hp.Choice("optimizer", ["sgd", "adam"])
    with hp.conditional_scope("optimizer", ["adam"]):
        hp.Choice("rate", [0.1, 0.2, 0.3, 0.4])
    return hp


def placed(oracle: DurableOracle, folder: Path) -> DurableOracle:
    oracle._set_project_dir(str(folder), "state")
    return oracle


def grid(folder: Path) -> DurableOracle:
    return placed(GridOracle(objective=OBJECTIVE, hyperparameters=small_space()), folder)


def finish(oracle: DurableOracle, trial: Any, score: float = 2.0, status: str = "COMPLETED") -> None:
    if status == "COMPLETED":
        oracle.update_trial(trial.trial_id, {"perplexity": score})
    trial.status = status
    oracle.end_trial(trial)


def two(values: dict[str, Any]) -> float:
    del values
    return 2.0


def run(
    oracle: DurableOracle, score: Callable[[dict[str, Any]], float], most: int = 100
) -> list[dict[str, Any]]:
    tried = []
    for _ in range(most):
        trial = oracle.create_trial("w")
        if trial.status == "STOPPED":
            break
        tried.append(dict(trial.hyperparameters.values))
        finish(oracle, trial, score(tried[-1]))
    return tried


def test_the_grid_has_every_combination_once_and_nothing_inactive(tmp_path: Path) -> None:
    expected = [
        *({"cell": c, "optimizer": "sgd"} for c in ("rnn", "gru", "lstm")),
        *(
            {"cell": c, "optimizer": "adam", "rate": r}
            for c, r in itertools.product(("rnn", "gru", "lstm"), (0.1, 0.2, 0.3, 0.4))
        ),
    ]
    tried = run(grid(tmp_path), two)
    assert sorted(map(str, tried)) == sorted(map(str, expected))


def test_a_grid_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = run(grid(tmp_path / "whole"), two)
    first = run(grid(tmp_path / "split"), two, most=4)
    resumed = grid(tmp_path / "split")
    resumed.reload()
    assert first + run(resumed, two) == whole


@pytest.mark.parametrize("kind", [RandomOracle, BayesianOracle, GridOracle, HyperbandOracle])
def test_a_killed_trial_is_done_again_with_its_values(kind: type[DurableOracle], tmp_path: Path) -> None:
    oracle = placed(kind(objective=OBJECTIVE, hyperparameters=small_space(), seed=4), tmp_path)
    run(oracle, two, most=2)
    killed = oracle.create_trial("w")
    again = placed(kind(objective=OBJECTIVE, hyperparameters=small_space(), seed=4), tmp_path)
    again.reload()
    trial = again.create_trial("w")
    assert (trial.trial_id, trial.hyperparameters.values) == (killed.trial_id, killed.hyperparameters.values)
    assert len(again.end_order) == 2


def test_a_trial_killed_after_its_end_is_not_done_again(tmp_path: Path) -> None:
    oracle = grid(tmp_path)
    trial = oracle.create_trial("w")
    state = Path(oracle._get_oracle_fname()).read_text()
    finish(oracle, trial)
    Path(oracle._get_oracle_fname()).write_text(state)  # killed between the trial's file and the oracle's
    again = grid(tmp_path)
    again.reload()
    assert again.end_order == [trial.trial_id]
    assert again.create_trial("w").trial_id != trial.trial_id


def test_a_trial_killed_before_it_was_given_out_takes_no_number(tmp_path: Path) -> None:
    oracle = grid(tmp_path)
    oracle.save()
    state = Path(oracle._get_oracle_fname()).read_text()
    lost = oracle.create_trial("w")
    Path(oracle._get_oracle_fname()).write_text(state)
    again = grid(tmp_path)
    again.reload()
    trial = again.create_trial("w")
    assert (trial.trial_id, trial.hyperparameters.values) == (lost.trial_id, lost.hyperparameters.values)


def test_an_interrupted_write_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = grid(tmp_path)
    run(oracle, two, most=3)
    whole = Path(oracle._get_oracle_fname()).read_text()

    def dies(path: Path, target: Path) -> None:
        raise KeyboardInterrupt(path, target)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        oracle.save()
    assert Path(oracle._get_oracle_fname()).read_text() == whole
    assert json.loads(whole)["end_order"] == ["0000", "0001", "0002"]


def test_failures_in_a_row_stop_it_and_others_do_not(tmp_path: Path) -> None:
    oracle = grid(tmp_path)
    for _ in range(MAX_FAILURES - 1):
        finish(oracle, oracle.create_trial("w"), status="FAILED")
    finish(oracle, oracle.create_trial("w"))
    for _ in range(MAX_FAILURES):
        assert not oracle.stopping
        finish(oracle, oracle.create_trial("w"), status="FAILED")
    assert oracle.stopping
    assert oracle.create_trial("w").status == "STOPPED"


def test_a_dead_worker_s_trial_goes_to_one_that_waits(tmp_path: Path) -> None:
    oracle = placed(
        RandomOracle(objective=OBJECTIVE, hyperparameters=small_space(), max_trials=2, seed=1), tmp_path
    )
    lost, other = oracle.create_trial("a"), oracle.create_trial("b")
    finish(oracle, other)
    assert oracle.create_trial("b").status == "IDLE"
    assert oracle.release("a") == lost.trial_id
    again = oracle.create_trial("b")
    assert again.trial_id == lost.trial_id
    finish(oracle, again)
    assert oracle.create_trial("b").status == "STOPPED"
    assert oracle.tuner_ids == set()


def test_a_worker_taken_for_dead_may_still_report(tmp_path: Path) -> None:
    oracle = grid(tmp_path)
    slow = oracle.create_trial("a")
    oracle.release("a")
    twin = oracle.create_trial("b")
    assert twin.trial_id == slow.trial_id
    finish(oracle, slow, 3.0)
    finish(oracle, twin, 4.0)
    assert oracle.end_order == [slow.trial_id]
    assert not oracle.ongoing_trials


def test_bayesian_search_models_the_logarithm_and_counts_trials_under_way(tmp_path: Path) -> None:
    hp = kt.HyperParameters()
    hp.Float("rate", 1e-3, 1e3, sampling="log")
    oracle = placed(BayesianOracle(objective=OBJECTIVE, hyperparameters=hp, max_trials=20, seed=2), tmp_path)
    run(oracle, lambda values: 10 ** abs(math.log10(values["rate"]) - 1), most=3)
    oracle.create_trial("busy")
    x, y = oracle._vectorize_trials()
    rates = [float(trial.hyperparameters.values["rate"]) for trial in oracle.trials.values()]
    np.testing.assert_allclose(x[:, 0], (np.log10(rates) + 3) / 6)
    scores = [abs(math.log10(rate) - 1) * math.log(10) for rate in rates[:3]]
    np.testing.assert_allclose(y, [*scores, sum(scores) / len(scores)])


@pytest.mark.slow  # fits Gaussian processes
def test_bayesian_search_comes_closer_than_random_search(tmp_path: Path) -> None:
    def score(values: dict[str, Any]) -> float:
        return float(10 ** abs(math.log10(values["rate"]) - 1.3))

    def best(kind: type[DurableOracle], seed: int) -> float:
        hp = kt.HyperParameters()
        hp.Float("rate", 1e-3, 1e3, sampling="log")
        folder = tmp_path / f"{kind.__name__}{seed}"
        oracle = placed(kind(objective=OBJECTIVE, hyperparameters=hp, max_trials=9, seed=seed), folder)
        return min(score(values) for values in run(oracle, score))

    bayesian = [best(BayesianOracle, seed) for seed in (1, 2, 3)]
    assert np.median(bayesian) < np.median([best(RandomOracle, seed) for seed in (1, 2, 3)])


def test_settings_choose_the_oracle() -> None:
    kinds = {
        "random": RandomOracle,
        "bayesian": BayesianOracle,
        "hyperband": HyperbandOracle,
        "grid": GridOracle,
    }
    for name, kind in kinds.items():
        settings = SearchConfig(tuner=name, max_trials=7)  # type: ignore[arg-type]
        oracle = build_oracle(settings, "val_loss", epochs=11)
        assert type(oracle) is kind
        assert (oracle.max_trials, oracle.objective.name, oracle.seed) == (7, "val_loss", 1)


def test_a_loss_is_the_logarithm_of_a_perplexity() -> None:
    assert score_of_perplexity("val_perplexity", 49) == 49.0
    assert score_of_perplexity("val_loss", 49) == pytest.approx(2 * math.log(7))
