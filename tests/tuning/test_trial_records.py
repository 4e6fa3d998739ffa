from pathlib import Path

import pytest

from lyric_lm.data import Lyrics
from lyric_lm.errors import RunError
from lyric_lm.runs.history import History
from lyric_lm.runs.json_files import read_json, write_json
from lyric_lm.runs.record import describe_run
from lyric_lm.runs.run import CARD, Run
from lyric_lm.settings.config import TrainConfig
from lyric_lm.tuning.trial_records import ERROR, TrialRecords, TrialResult


@pytest.fixture
def records(tmp_path: Path) -> TrialRecords:
    return TrialRecords(tmp_path / "trials", "perplexity")


def keep(
    records: TrialRecords, number: int, values: list[float], lyrics: Lyrics, config: TrainConfig
) -> None:
    with records.begin(number, describe_run(config, lyrics)) as run:
        run.write_history(History([{"loss": 0.5, "perplexity": value} for value in values]))
        (run.path / "model.keras").write_bytes(b"weights")
        run.checkpoints.mkdir()
        (run.checkpoints / "epoch-000001.ckpt").write_bytes(b"state")
        run.write(CARD, f"lyric-lm generate --run-dir {run.path}")


def test_what_is_written_is_read_again(records: TrialRecords, lyrics: Lyrics, base: TrainConfig) -> None:
    keep(records, 3, [4.0, 2.5], lyrics, base)
    result = TrialResult("finished", 2.5, 2.5, 2, 2.5, 2, 1.25)
    assert records.result(3) is None
    records.end(3, result)
    assert records.result(3) == result
    assert records.config(3) == base
    assert records.values(3) == [4.0, 2.5]


def test_histories_of_others_grow_until_the_trial_ends(
    records: TrialRecords, lyrics: Lyrics, base: TrainConfig
) -> None:
    keep(records, 0, [9.0], lyrics, base)
    keep(records, 1, [8.0], lyrics, base)
    assert records.other_values(0) == [[8.0]]
    Run(records.folder(1)).write_history(History([{"perplexity": 8.0}, {"perplexity": 7.0}]))
    assert records.other_values(0) == [[8.0, 7.0]]
    records.end(1, TrialResult("finished", 7.0, 7.0))
    assert records.other_values(0) == [[8.0, 7.0]]
    keep(records, 1, [6.0], lyrics, base)  # done anew
    assert records.other_values(0) == [[6.0]]


def test_trials_are_in_the_order_of_their_numbers_and_losers_lose_their_models(
    records: TrialRecords, lyrics: Lyrics, base: TrainConfig
) -> None:
    for number, score in ((10, 3.0), (9, 2.0), (11, 5.0)):
        keep(records, number, [score], lyrics, base)
        records.end(number, TrialResult("finished", score, score, 1, score, 1))
    records.fail(12, OSError("fire"))
    assert list(records.results()) == [9, 10, 11, 12]
    assert records.result(12) == TrialResult("failed", error="OSError: fire")
    assert (records.folder(12) / ERROR).read_text() == "OSError: fire\n"
    assert records.best() == 9
    records.drop_losers(checkpoints=False)
    assert [path.parent.name for path in records.path.glob("*/model.keras")] == ["9"]
    assert len(list(records.path.glob("*/checkpoints"))) == 3
    records.drop_losers(checkpoints=True)
    assert [path.parent.name for path in records.path.glob("*/checkpoints")] == ["9"]


def test_a_trial_that_goes_on_from_another_gets_its_checkpoints(
    records: TrialRecords, lyrics: Lyrics, base: TrainConfig
) -> None:
    keep(records, 1, [9.0], lyrics, base)
    with records.begin(4, describe_run(base, lyrics), after=1) as run:
        assert [path.name for path in run.checkpoints.iterdir()] == ["epoch-000001.ckpt"]


def test_the_copy_of_the_best_is_a_run_and_nothing_else(
    records: TrialRecords, lyrics: Lyrics, base: TrainConfig, tmp_path: Path
) -> None:
    keep(records, 1, [9.0], lyrics, base)
    records.end(1, TrialResult("finished", 9.0, 9.0))
    target = tmp_path / "best"
    target.mkdir()
    (target / "samples.txt").write_text("of an earlier best")
    records.copy_best(target)
    names = ["README.md", "checkpoints", "config.json", "history.csv", "model.keras"]
    assert sorted(path.name for path in target.iterdir()) == names
    assert Run.open(target).settings() == base
    assert (target / "README.md").read_text() == f"lyric-lm generate --run-dir {target}"


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert read_json(path) is None
    write_json(path, {"a": [1, None, "分"]})
    assert read_json(path) == {"a": [1, None, "分"]}
    path.write_text('{"a": ')
    with pytest.raises(RunError, match=r"x\.json is damaged.*--overwrite"):
        read_json(path)
