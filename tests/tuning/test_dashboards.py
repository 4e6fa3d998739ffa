from pathlib import Path
from typing import Any

import keras_tuner as kt
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

from lyric_lm.callbacks.dashboard.events import write_events
from lyric_lm.callbacks.dashboard.hparams import experiment
from lyric_lm.runs.record import describe_run
from lyric_lm.runs.run import Run
from lyric_lm.settings.config import DashboardConfig, TrainConfig
from lyric_lm.training import load_texts, train
from lyric_lm.tuning import SearchConfig, SearchRunConfig, SearchSpace, search
from lyric_lm.tuning.trial_records import TrialRecords

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of TensorBoard's own reader


def events_in(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return events


def hparams_data(events: EventAccumulator, tag: str) -> Any:
    content = events.summary_metadata[tag].plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content)


def text(events: EventAccumulator, tag: str) -> str:
    return str(events.Tensors(tag)[0].tensor_proto.string_val[0].decode())


def test_the_experiment_says_what_varies_and_what_counts(tmp_path: Path) -> None:
    hp = kt.HyperParameters()
    SearchSpace(hidden_size=(4, 6), optimizer=("sgd", "adam")).declare(hp, TrainConfig())
    write_events(tmp_path, [experiment(hp.space, held_out=True)])
    shown = hparams_data(events_in(tmp_path), "_hparams_/experiment").experiment
    domains = {info.name: info for info in shown.hparam_infos}
    assert set(domains) == {"learning_rate", "hidden_size", "optimizer"}
    rate = domains["learning_rate"].domain_interval
    assert (rate.min_value, rate.max_value) == pytest.approx((3e-4, 1000.0))  # of both optimizers
    assert [v.number_value for v in domains["hidden_size"].domain_discrete.values] == [4.0, 6.0]
    assert [v.string_value for v in domains["optimizer"].domain_discrete.values] == ["adam", "sgd"]
    metrics = {info.name.tag: info.display_name for info in shown.metric_infos}
    assert metrics == {
        "result/perplexity": "perplexity",
        "result/validation_perplexity": "validation_perplexity",
        "result/best_validation_perplexity": "best_validation_perplexity",
    }


def test_a_failed_trial_shows_its_traceback(tmp_path: Path) -> None:
    TrialRecords(tmp_path, "loss").fail(1, OSError("the disk\nis on fire"))
    events = events_in(Run(tmp_path / "1").tensorboard)
    assert text(events, "error") == "    OSError: the disk\n    is on fire\n    "
    assert (
        hparams_data(events, "_hparams_/session_end_info").session_end_info.status == api_pb2.STATUS_FAILURE
    )


def test_a_trial_has_the_charts_of_any_run(base: TrainConfig, tmp_path: Path) -> None:
    space = SearchSpace(learning_rate=(1.0, 5.0, 9.0), hidden_size=(4,))
    search(
        base,
        space,
        settings=SearchConfig(tuner="grid", max_trials=1, pruning=False),
        run=SearchRunConfig(tmp_path / "s"),
    )
    trial = tmp_path / "s" / "trials" / "1"
    config = Run.open(trial).settings()
    with Run.create(tmp_path / "run", describe_run(config, load_texts(config).training)) as run:
        train(config, run=run, dashboard=DashboardConfig())
    dropped = ("samples/", "weights/", "state/", "learning/samples")
    for name in ("train", "clipping_theta"):
        theirs, ours = events_in(run.tensorboard / name), events_in(trial / "tensorboard" / name)
        tags = {tag for tag in theirs.Tags()["tensors"] if not tag.startswith(dropped)}
        assert set(ours.Tags()["tensors"]) == tags
        assert "learning/perplexity" in tags or name == "clipping_theta"
    end = hparams_data(events_in(trial / "tensorboard"), "_hparams_/session_end_info")
    assert end.session_end_info.status == api_pb2.STATUS_SUCCESS
