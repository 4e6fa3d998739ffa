"""Another backend of Keras' than TensorFlow is refused in one sentence, before anything is done."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lyric_lm.backend import choose_tensorflow, require_tensorflow
from lyric_lm.errors import BackendError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A process that has not imported Keras yet, and its settings' folder."""
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return tmp_path


def write_settings(home: Path, content: str) -> None:
    (home / "keras.json").write_text(content, encoding="utf-8")


@pytest.mark.parametrize("name", ["torch", "jax", "TensorFlow"])
def test_a_backend_named_by_the_environment_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_settings(home, json.dumps({"backend": "tensorflow"}))
    monkeypatch.setenv("KERAS_BACKEND", name)
    with pytest.raises(BackendError, match=f"but KERAS_BACKEND names '{name}': set KERAS_BACKEND=tensorflow"):
        choose_tensorflow()
    assert os.environ["KERAS_BACKEND"] == name


def test_a_backend_named_by_keras_settings_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_settings(home, json.dumps({"floatx": "float32", "backend": "jax"}))
    with pytest.raises(BackendError, match=r"keras\.json names 'jax': set KERAS_BACKEND=tensorflow"):
        require_tensorflow()
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")  # the cure
    require_tensorflow()


@pytest.mark.parametrize("content", [None, "", "[]", '"torch"', "{}", '{"backend": "tensorflow"}', "\x00"])
def test_where_nobody_chose_the_command_chooses(
    home: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "")
    if content is not None:
        write_settings(home, content)
    choose_tensorflow()
    assert os.environ["KERAS_BACKEND"] == "tensorflow"


def test_a_keras_that_was_imported_with_another_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras.config.backend", lambda: "torch")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")  # too late
    with pytest.raises(BackendError, match="was imported with 'torch'"):
        require_tensorflow()


@pytest.mark.parametrize("command", ["train", "tune"])
def test_the_command_ends_with_one_sentence_and_leaves_nothing(tmp_path: Path, command: str) -> None:
    environment = {**os.environ, "KERAS_BACKEND": "torch", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "lyric_lm", command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (2, "", [])
    assert done.stderr.startswith("lyric-lm: lyric_lm needs Keras' TensorFlow backend")
    assert done.stderr.count("\n") == 1


def test_the_models_module_says_so_before_keras_fails_for_want_of_the_backend(tmp_path: Path) -> None:
    write_settings(tmp_path, json.dumps({"backend": "jax"}))
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}
    environment.pop("KERAS_BACKEND", None)
    for name in (
        "lyric_lm.RNNModel",
        "lyric_lm.callbacks.ExactResume",
        "lyric_lm.training.train",
        "lyric_lm.tuning.search",
    ):
        room, public = name.rsplit(".", 1)
        code = f"from {room} import {public}"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True)
        assert done.stderr.decode().splitlines()[-1].startswith("lyric_lm.errors.BackendError: "), name
