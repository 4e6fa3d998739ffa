"""A training that goes on from an earlier run: what it takes, what it refuses, what it remembers."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lyric_lm.data import CorpusNotFoundError
from lyric_lm.errors import RunError, RunMismatchError, SettingsError
from lyric_lm.evaluation.scoring import surprisals
from lyric_lm.model.stateful_model import StatefulModel
from lyric_lm.runs.kept_texts import keep_texts
from lyric_lm.runs.record import describe_run
from lyric_lm.runs.run import MODEL, TEXTS, Run
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import CorpusConfig, ModelConfig, OptimizerConfig, ReportConfig, TrainConfig
from lyric_lm.training import Parent, compiled_model, load_texts, train
from lyric_lm.training.texts import texts_of

OLD, NEW = "雨停了\n风起了\n走吧\n" * 6, "rain\n云停\n走了\n" * 6
CONFIG = TrainConfig(
    model=ModelConfig(cell="gru", hidden_size=5, embedding_dim=4, dropout=0.2),
    optimizer=OptimizerConfig(optimizer="adam", batch_size=2, num_steps=3, epochs=2),
    report=ReportConfig(prefixes=("走",), num_chars=4),
)


def trained(folder: Path, text: str, *, split: float | None = None) -> Run:
    """A run whose text lies beside it."""
    folder.mkdir()
    (folder / "songs.txt").write_text(text, encoding="utf-8")
    config = dataclasses.replace(
        CONFIG, corpus=CorpusConfig(str(folder / "songs.txt"), validation_split=split)
    )
    texts = load_texts(config)
    with Run.create(folder / "run", describe_run(config, texts.training, texts.validation)) as run:
        train(config, texts=texts, run=run)
    return run


@pytest.fixture(name="old", scope="module")
def _old(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with pytest.MonkeyPatch.context() as patch:  # as each test has it; a fixture of a module comes before
        patch.setattr(StatefulModel, "_resolve_auto_jit_compile", lambda _: False)
        return trained(tmp_path_factory.mktemp("old") / "a", OLD)


@pytest.fixture(name="new_text", scope="module")
def _new_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("new") / "new.txt"
    path.write_text(NEW, encoding="utf-8")
    return str(path)


def a_child(folder: Path, parent: Parent, config: TrainConfig) -> Run:
    """A run that goes on from another, of which no epoch is trained yet."""
    texts = parent.texts(config.corpus)
    record = describe_run(config, texts.training, texts.validation, heritage=parent.heritage)
    with Run.create(folder, record) as run:
        keep_texts(run, texts.training, texts.validation)
    return run


@pytest.mark.parametrize("split", [None, 0.2])
def test_it_begins_with_the_parents_weights_and_knows_both_texts(
    old: Run, new_text: str, split: float | None
) -> None:
    parent = Parent.open(old.path)
    config = parent.settings_for(CorpusConfig(new_text, validation_split=split))
    assert (config.model, config.optimizer) == (CONFIG.model, CONFIG.optimizer)

    model = compiled_model(config, parent.texts(config.corpus), parent=parent)

    assert set(model.vocabulary.characters) == set(OLD + NEW) - {"\n"} | {" "}
    assert (model.vocabulary.unknown_id is None) is (split is None)
    assert int(model.optimizer.iterations) == 0
    text = OLD.replace("\n", " ")
    scores = [
        surprisals(m, m.vocabulary.encode(text[1:]), context=m.vocabulary.encode(text[0]))
        for m in (parent.model, model)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])


def test_a_run_remembers_its_parents_and_resumes_to_the_bit(old: Run, new_text: str, tmp_path: Path) -> None:
    parent = Parent.open(old.path)
    config = parent.settings_for(CorpusConfig(new_text, validation_split=0.2))
    whole, parts = (a_child(tmp_path / name, parent, config) for name in ("whole", "parts"))
    train(config, run=whole, parent=parent)
    train(config, run=parts, parent=parent, until_epoch=1)
    texts = texts_of(parts)
    assert texts.vocabulary == whole.load_model().vocabulary
    train(config, texts=texts, run=parts)

    weights = [run.load_model().get_weights() for run in (whole, parts)]
    np.testing.assert_equal(*weights, strict=True)
    assert whole.history() == parts.history()

    grandchild = Parent.open(parts.path)
    places = [entry["path"] for entry in grandchild.heritage["parents"]]
    assert places == [str(parts.path.resolve()), str(old.path.resolve())]
    assert all(len(entry["model_sha256"]) == 64 for entry in grandchild.heritage["parents"])
    assert f"It goes on from `{old.path.resolve()}`" in (parts.path / "README.md").read_text(encoding="utf-8")
    json.dumps(grandchild.heritage)


def test_the_text_is_found_without_what_the_run_keeps(old: Run, new_text: str, tmp_path: Path) -> None:
    child = a_child(
        tmp_path / "child", Parent.open(old.path), Parent.open(old.path).settings_for(CorpusConfig(new_text))
    )
    kept = texts_of(child)
    (child.path / TEXTS).unlink()
    assert texts_of(child).training == kept.training
    record = child.record()
    record["heritage"]["vocabulary"]["characters"] = "aa"
    child.write_record(record)
    with pytest.raises(RunError, match=r"config\.json is damaged"):
        texts_of(child)


def test_its_own_text_is_the_one_that_it_keeps_where_the_file_is_gone(old: Run, tmp_path: Path) -> None:
    shutil.copytree(old.path, tmp_path / "a")
    parent = Parent.open(tmp_path / "a")
    settings = with_settings(parent.settings, {"corpus": "gone.txt"})
    parent = dataclasses.replace(parent, settings=settings)
    assert parent.texts(parent.settings.corpus).training.text == OLD.replace("\n", " ")
    with pytest.raises(CorpusNotFoundError):
        parent.texts(dataclasses.replace(parent.settings.corpus, corpus="other.txt"))
    (parent.run.path / TEXTS).unlink()
    with pytest.raises(CorpusNotFoundError):
        parent.texts(parent.settings.corpus)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"cell": "lstm"}, "`cell` is 'gru' there and was given as 'lstm'"),
        ({"hidden_size": 6}, "`hidden_size` is 5"),
        ({"num_layers": 2}, "`num_layers` is 1"),
        ({"activation": "relu"}, "`activation` is 'tanh'"),
        ({"embedding_dim": None}, "`embedding_dim` is 4"),
        ({"tie_embeddings": True}, "`tie_embeddings` is False"),
    ],
)
def test_another_network_is_refused_and_the_rest_may_change(
    old: Run, setting: dict[str, Any], said: str
) -> None:
    parent = Parent.open(old.path)
    with pytest.raises(SettingsError, match=said):
        train(with_settings(parent.settings, setting), parent=parent)
    parent.check(with_settings(parent.settings, {"dropout": 0.5, "optimizer": "sgd", "learning_rate": 1.0}))


def test_the_parent_of_a_run_is_the_one_that_it_began_with(old: Run, new_text: str, tmp_path: Path) -> None:
    assert Parent.of(old) is None
    own = tmp_path / "own"
    shutil.copytree(old.path, own)
    parent = Parent.open(own)
    child = a_child(tmp_path / "child", parent, parent.settings_for(CorpusConfig(new_text)))
    again = Parent.of(child)
    assert again is not None
    np.testing.assert_equal(again.model.get_weights(), parent.model.get_weights())

    other = own / MODEL
    model = keras.saving.load_model(other)
    model.set_weights([weight + 1 for weight in model.get_weights()])
    model.save(other)
    with pytest.raises(RunMismatchError, match="holds another model now"):
        Parent.of(child)
    other.unlink()
    with pytest.raises(RunError, match="holds no trained model yet"):
        Parent.of(child)


def test_habits_go_on_and_what_describes_a_file_does_not(old: Run) -> None:
    corpus = CorpusConfig(
        "a.csv",
        max_chars=500,
        keep_newlines=True,
        column="words",
        skip_repeats=True,
        validation_corpus="b.csv",
    )
    earlier = dataclasses.replace(Parent.open(old.path), settings=dataclasses.replace(CONFIG, corpus=corpus))
    later = earlier.settings_for(CorpusConfig("c.txt")).corpus
    assert later == CorpusConfig("c.txt", keep_newlines=True, skip_repeats=True, validation_split=0.1)
    assert (
        earlier.settings_for(CorpusConfig("c.txt", validation_corpus="d.txt")).corpus.validation_split is None
    )


def test_a_text_without_a_new_character_moves_nothing(old: Run) -> None:
    parent = Parent.open(old.path)
    model = compiled_model(parent.settings, load_texts(parent.settings), parent=parent)
    np.testing.assert_equal(model.get_weights(), parent.model.get_weights())
