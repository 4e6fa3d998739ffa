import math
from pathlib import Path
from typing import Any

import keras_tuner as kt
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

from lyric_lm.settings.config import TrainConfig
from lyric_lm.tuning.dashboards import TrialBoard, show_error, write_experiment
from lyric_lm.tuning.space import SearchSpace
from lyric_lm.tuning.trial_records import TrialResult

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of TensorBoard's own reader


def events_in(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return events


def hparams_data(events: EventAccumulator, tag: str) -> Any:
    content = events.summary_metadata[tag].plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content)


def scalar(events: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(e.step, float(tf.make_ndarray(e.tensor_proto))) for e in events.Tensors(tag)]


def text(events: EventAccumulator, tag: str) -> str:
    return str(events.Tensors(tag)[0].tensor_proto.string_val[0].decode())


def test_the_experiment_says_what_varies_and_what_counts(tmp_path: Path) -> None:
    hp = kt.HyperParameters()
    SearchSpace(hidden_size=(4, 6), optimizer=("sgd", "adam")).declare(hp, TrainConfig())
    write_experiment(tmp_path, hp.space, "val_perplexity")
    experiment = hparams_data(events_in(tmp_path), "_hparams_/experiment").experiment
    domains = {info.name: info for info in experiment.hparam_infos}
    assert set(domains) == {"learning_rate", "hidden_size", "optimizer"}
    rate = domains["learning_rate"].domain_interval
    assert (rate.min_value, rate.max_value) == pytest.approx((3e-4, 1000.0))  # of both optimizers
    assert [v.number_value for v in domains["hidden_size"].domain_discrete.values] == [4.0, 6.0]
    assert [v.string_value for v in domains["optimizer"].domain_discrete.values] == ["adam", "sgd"]
    metrics = {info.name.tag: info.display_name for info in experiment.metric_infos}
    assert metrics == {
        "best_val_perplexity": "best val_perplexity",
        "last_val_perplexity": "last val_perplexity",
    }


def test_a_trial_shows_its_settings_curves_figures_and_samples(tmp_path: Path) -> None:
    board = TrialBoard(tmp_path, "07", {"hidden_size": 6, "cell": "gru"})
    for epoch, value in enumerate((5.0, 2.0, 3.0), start=1):
        board.epoch(epoch, {"loss": math.log(value), "perplexity": value})
    result = TrialResult("finished", score=2.0, best=2.0, best_epoch=2, last=3.0, epochs=3)
    board.finish(result, "perplexity", ["分开 *1*", "不分开"])
    events = events_in(tmp_path)
    start = hparams_data(events, "_hparams_/session_start_info").session_start_info
    assert start.hparams["hidden_size"].number_value == 6
    assert start.group_name == "trial 07"
    assert scalar(events, "perplexity") == [(1, 5.0), (2, 2.0), (3, 3.0)]
    assert scalar(events, "best_perplexity") == [(3, 2.0)]
    assert scalar(events, "last_perplexity") == [(3, 3.0)]
    assert text(events, "samples") == "    分开 *1*\n    不分开"
    assert (
        hparams_data(events, "_hparams_/session_end_info").session_end_info.status == api_pb2.STATUS_SUCCESS
    )


def test_a_trial_whose_last_epoch_is_no_number_has_no_last_figure(tmp_path: Path) -> None:
    board = TrialBoard(tmp_path, "0", {})
    board.finish(TrialResult("diverged", score=49.0, best=5.0, epochs=2), "perplexity", [])
    tags = events_in(tmp_path).Tags()["tensors"]
    assert "best_perplexity" in tags
    assert "last_perplexity" not in tags


def test_a_failed_trial_shows_its_traceback(tmp_path: Path) -> None:
    TrialBoard(tmp_path, "0", {"hidden_size": 6})
    show_error(tmp_path, "Traceback\nOSError: fire")
    events = events_in(tmp_path)
    assert text(events, "error") == "    Traceback\n    OSError: fire"
    assert (
        hparams_data(events, "_hparams_/session_end_info").session_end_info.status == api_pb2.STATUS_FAILURE
    )
