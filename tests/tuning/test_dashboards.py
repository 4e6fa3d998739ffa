from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

from lyric_lm.callbacks.dashboard.events import EventFiles, scalar
from lyric_lm.runs.history import History
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


def test_a_failed_trial_shows_its_traceback_beside_the_epochs_that_it_did(tmp_path: Path) -> None:
    run = Run(tmp_path / "1")
    files = EventFiles(run.tensorboard)
    for epoch in (1, 2):
        files.write("train", epoch, [scalar("learning/perplexity", 5.0)])
    files.close()
    run.write_history(History([{"perplexity": 5.0}] * 2))
    TrialRecords(tmp_path, "loss").fail(1, OSError("the disk\nis on fire"))
    events = events_in(run.tensorboard / "train")
    assert text(events, "error") == "    OSError: the disk\n    is on fire\n    "
    assert [event.step for event in events.Tensors("learning/perplexity")] == [1, 2]
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
    ours, theirs = (events_in(r.tensorboard / "train") for r in (Run(trial), run))
    name = hparams_data(theirs, "_hparams_/session_start_info").session_start_info.group_name
    assert name == f"run ({tmp_path})"
    dropped = ("samples/", "weights/", "state/", "learning/samples")
    tags = {tag for tag in theirs.Tags()["tensors"] if not tag.startswith(dropped)}
    assert set(ours.Tags()["tensors"]) == tags
    assert "learning/perplexity" in tags
    named = {str(file.parent.relative_to(tmp_path / "s")) for file in (tmp_path / "s").rglob("events.*")}
    assert named == {"trials/1/tensorboard/train", "best/tensorboard/train"}, "TensorBoard's names of runs"
    assert (
        hparams_data(ours, "_hparams_/session_start_info").session_start_info.group_name
        == f"trial 1 ({tmp_path / 's'})"
    )
    columns = hparams_data(ours, "_hparams_/experiment").experiment.hparam_infos
    assert columns[0].name == "learning_rate", "what varies stands first"
    end = hparams_data(ours, "_hparams_/session_end_info")
    assert end.session_end_info.status == api_pb2.STATUS_SUCCESS
