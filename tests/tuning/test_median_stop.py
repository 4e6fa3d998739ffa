import math
from pathlib import Path

import numpy as np

from lyric_lm.callbacks import ExactResume
from lyric_lm.runs.record import describe_run
from lyric_lm.runs.run import Run
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import TrainConfig
from lyric_lm.training import load_texts, train
from lyric_lm.tuning.median_stop import MedianRule, MedianStop


def test_it_agrees_with_the_median_of_running_minima() -> None:
    random = np.random.default_rng(5)
    rule = MedianRule(10, guessing=4.0)
    for _ in range(50):
        curves = random.uniform(1, 9, size=(6, 10))
        length = int(random.integers(2, 10))
        bests = np.minimum.accumulate(curves, axis=1)[:, length - 1]
        expected = {
            (True, True): bests[0] > np.median(bests[1:]),
            (True, False): True,
            (False, True): False,
            (False, False): bests[0] > np.median(bests[1:]),
        }[length >= 5, bool(bests[0] < 4.0)]
        assert rule.hopeless(list(curves[0, :length]), [list(curve) for curve in curves[1:]]) == expected


def test_trials_that_have_not_come_so_far_do_not_count() -> None:
    others = [[1.0, 1.0]] * 3
    assert not MedianRule(4, guessing=99.0).hopeless([9.0, 9.0], others)
    assert not MedianRule(4, guessing=99.0).hopeless([9.0, 9.0], [*others, [1.0]])
    assert MedianRule(4, guessing=99.0).hopeless([9.0, 9.0], [*others, [1.0, 1.0]])


def test_what_is_no_number_is_infinitely_bad() -> None:
    good = [[3.0, 2.0]] * 4
    assert MedianRule(4, guessing=99.0).hopeless([math.nan, math.nan], good)
    assert not MedianRule(4, guessing=99.0).hopeless([math.nan, 1.0], good)
    assert not MedianRule(4, guessing=99.0).hopeless([5.0, 5.0], [[math.nan, math.nan]] * 5)


def test_it_looks_at_most_ten_times_and_not_in_the_first_fifth() -> None:
    looks = [epoch for epoch in range(1, 51) if MedianRule(50, 9.0).looks_at(epoch)]
    assert looks == [10, 15, 20, 25, 30, 35, 40, 45, 50]
    assert [epoch for epoch in range(1, 5) if MedianRule(4, 9.0).looks_at(epoch)] == [2, 3, 4]


def test_a_slow_start_is_forgiven_until_half_way_and_guessing_is_not() -> None:
    rule = MedianRule(6, guessing=8.0)
    others = [[3.0, 3.0, 3.0]] * 4
    assert not rule.hopeless([7.0, 7.0], others)
    assert rule.hopeless([9.0, 9.0], others)
    assert rule.hopeless([7.0, 7.0, 7.0], others)


def test_half_a_trial_that_is_no_better_than_guessing_is_hopeless_whatever_the_others_do() -> None:
    rule = MedianRule(6, guessing=8.0)
    assert not rule.hopeless([9.0, 9.0], [])
    assert not rule.hopeless([9.0, 7.0, 9.0], [])
    assert rule.hopeless([9.0, 8.0, 9.0], [])


def test_the_callback_stops_a_training_where_the_rule_says_so_and_calls_it_pruned() -> None:
    stopped: list[int] = []
    done: list[int] = []

    def others() -> list[list[float]]:
        return [[1.0] * 10] * 4 if len(done) > 5 else []

    rule = MedianRule(10, guessing=9.0)
    callback = MedianStop("loss", rule, others=others, stop=lambda: stopped.append(len(done)))
    for epoch in range(10):
        done.append(epoch)
        callback.on_epoch_end(epoch, {"loss": 5.0, "perplexity": 1.0})
        if stopped:
            break
    assert stopped == [6]
    assert callback.ending == "pruned"


def test_a_pruned_training_goes_on_exactly_without_the_rule(base: TrainConfig, tmp_path: Path) -> None:
    config = with_settings(base, {"hidden_size": 4})
    texts = load_texts(config)
    with Run.create(tmp_path / "run", describe_run(config, texts.training)) as run:
        resume = ExactResume(run.checkpoints, [], every=config.optimizer.epochs)
        rule = MedianRule(config.optimizer.epochs, guessing=1.0)
        stop = MedianStop("loss", rule, others=list, stop=resume.stop)
        pruned = train(config, texts=texts, run=run, callbacks=[stop, resume])
        assert pruned.state == "pruned"
        assert len(pruned.history) == 3  # half of five epochs, and no better than guessing
        resumed = train(config, texts=texts, run=run)
    assert resumed.state == "finished"
    assert resumed.history.column("loss") == train(config, texts=texts).history.column("loss")
