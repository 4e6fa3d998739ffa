"""Each format writes what the model writes, needs nothing of this package, and is whole or not there."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm import RNNModel, generate
from lyric_lm.data import Vocabulary
from lyric_lm.data.characters import SONG_END
from lyric_lm.errors import ExportError
from lyric_lm.export import export_model

CHARACTERS = "abcdefg分开不"
CELLS = {
    "rnn": lambda: keras.layers.SimpleRNNCell(4),
    "gru": lambda: keras.layers.GRUCell(5),
    "lstm": lambda: keras.layers.LSTMCell(6),
    "gru, reset before": lambda: keras.layers.GRUCell(5, reset_after=False),
    "stacked": lambda: keras.layers.StackedRNNCells([keras.layers.GRUCell(5), keras.layers.LSTMCell(4)]),
}
needs = {
    "onnx": pytest.mark.skipif(
        importlib.util.find_spec("onnxruntime") is None, reason="needs the extra export"
    ),
    "litert": pytest.mark.skipif(
        importlib.util.find_spec("ai_edge_litert") is None, reason="needs the extra export"
    ),
}


def a_model(cell: Any = None, **settings: Any) -> RNNModel:
    keras.utils.set_random_seed(3)
    model = RNNModel(cell or keras.layers.GRUCell(5), Vocabulary(CHARACTERS, unknown=True), **settings)
    for variable in model.trainable_variables:  # strong enough for text that does not repeat one character
        variable.assign(keras.random.normal(variable.shape, stddev=1.5))
    return model


def inputs(num_chars: int, temperature: float = 0.0, seed: int = 0) -> dict[str, tf.Tensor]:
    values = {"num_chars": num_chars, "temperature": temperature, "seed": seed}
    return {name: tf.constant(value) for name, value in values.items()}


def signature(folder: Path, name: str = "serving_default") -> Any:
    return tf.saved_model.load(str(folder)).signatures[name]


PAIRS = [
    pytest.param(
        cell, kind, marks=[*([needs[kind]] if kind in needs else []), *([] if quick else [pytest.mark.slow])]
    )
    for cell in CELLS
    for kind in ("savedmodel", *needs)
    for quick in [cell == "stacked"]  # its two cells stand for the others, which take a minute more
]


@pytest.mark.parametrize(("cell", "kind"), PAIRS)
def test_every_cell_passes_the_check_of_its_export(cell: str, kind: str, tmp_path: Path) -> None:
    model = a_model(CELLS[cell](), embedding_dim=3, tie_embeddings=True)

    folder = export_model(model, tmp_path / "new" / "out", kind)

    assert folder.is_dir()
    assert [path.name for path in folder.parent.iterdir()] == ["out"]  # no working folder is left
    assert json.loads((folder / "vocabulary.json").read_text())["characters"] == sorted(CHARACTERS)
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("# Lyrics from")


def test_a_savedmodel_continues_several_prefixes_of_different_lengths_each_as_alone(tmp_path: Path) -> None:
    model = a_model()
    write = signature(export_model(model, tmp_path / "out"))
    prefixes = ["分", "abc开", "gf"]

    out = write(
        prefix=tf.constant(prefixes),
        num_chars=tf.constant(30),
        temperature=tf.constant(0.0),
        seed=tf.constant(0),
    )

    assert [text.decode() for text in out["text"].numpy()] == generate(model, prefixes, 30)


@pytest.mark.parametrize("kind", ["savedmodel", pytest.param("onnx", marks=needs["onnx"])])
def test_an_export_of_a_model_of_songs_begins_and_ends_them(kind: str, tmp_path: Path) -> None:
    model = RNNModel(keras.layers.SimpleRNNCell(5, use_bias=False), Vocabulary("abcd" + SONG_END))
    one_hot = np.eye(5)
    # Each character has one follower: the mark a, a b, b c, c the mark, d itself.
    model.set_weights([5 * one_hot, 0 * one_hot, 99 * one_hot[[1, 2, 3, 0, 4]], np.zeros(5)])
    prefixes, songs = ["", "b", "d"], ["abc", "bc", "d" * 31]
    assert generate(model, prefixes, 30) == songs

    folder = export_model(model, tmp_path / "out", kind)

    if kind == "savedmodel":
        written = [
            text.decode()
            for text in signature(folder)(prefix=tf.constant(prefixes), **inputs(30))["text"].numpy()
        ]
    else:
        command = [sys.executable, "generate.py", "--num-chars", "30", "--temperature", "0", ""]
        written = [
            subprocess.run(
                [*command[:-1], prefix], cwd=folder, capture_output=True, check=True, text=True
            ).stdout[:-1]
            for prefix in prefixes
        ]
    assert written == songs


def test_a_savedmodel_runs_where_this_package_cannot_be_imported(tmp_path: Path) -> None:
    model = a_model()
    export_model(model, tmp_path / "out")
    code = (
        "import sys; sys.modules['lyric_lm'] = None\n"
        "import tensorflow as tf\n"
        "write = tf.saved_model.load('out').signatures['serving_default']\n"
        "out = write(prefix=tf.constant(['分开']), num_chars=tf.constant(9), temperature=tf.constant(0.),"
        " seed=tf.constant(0))\n"
        "sys.stdout.buffer.write(out['text'].numpy()[0])"
    )

    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, check=True)

    assert done.stdout.decode() == generate(model, "分开", 9)


def test_draws_depend_on_the_seed_and_are_narrowed_by_top_k_and_top_p(tmp_path: Path) -> None:
    model = a_model()
    folder = export_model(model, tmp_path / "out")
    write = signature(folder, "sample")

    def text(seed: int, top_k: int = 0, top_p: float = 1.0, temperature: float = 1.0) -> str:
        narrowed = {"top_k": tf.constant(top_k), "top_p": tf.constant(top_p)}
        out = write(prefix=tf.constant(["ab"]), **inputs(40, temperature, seed), **narrowed)
        return str(out["text"].numpy()[0].decode())

    assert text(1) == text(1)
    assert text(1) != text(2)
    assert text(1, top_k=1) == text(2, top_p=1e-6) == text(3, temperature=0.0) == generate(model, "ab", 40)
    assert text(1, top_k=len(CHARACTERS)) == text(1)


def test_the_shares_of_a_savedmodels_draws_are_the_softmaxs(tmp_path: Path) -> None:
    model = a_model()
    write = signature(export_model(model, tmp_path / "out"))
    logits = model(model.vocabulary.encode("ab")[None])[0].numpy()[0, -1, : len(CHARACTERS)] / 0.7
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()

    out = write(
        prefix=tf.fill((4000,), "ab"),
        num_chars=tf.constant(1),
        temperature=tf.constant(0.7),
        seed=tf.constant(5),
    )

    drawn = [text.decode()[-1] for text in out["text"].numpy()]
    shares = [drawn.count(character) / 4000 for character in sorted(CHARACTERS)]
    np.testing.assert_allclose(shares, expected, atol=4 * np.sqrt(0.25 / 4000))


def test_unknown_characters_stay_in_the_text_unread_and_one_must_be_known(tmp_path: Path) -> None:
    model = a_model()
    write = signature(export_model(model, tmp_path / "out"))

    (text,) = write(prefix=tf.constant(["龘分"]), **inputs(7))["text"].numpy()

    assert text.decode() == "龘" + generate(model, "分", 7)
    with pytest.raises(tf.errors.InvalidArgumentError, match="needs a character that the model knows"):
        write(prefix=tf.constant(["龘"]), **inputs(7))


@needs["onnx"]
def test_the_runner_beside_an_onnx_model_needs_neither_tensorflow_nor_this_package(tmp_path: Path) -> None:
    model = a_model()
    export_model(model, tmp_path / "out", "onnx")
    block = "import sys; sys.modules.update({n: None for n in ('tensorflow', 'keras', 'lyric_lm')}); "
    code = block + "sys.argv[1:] = ['分x开', '--num-chars', '8', '--temperature', '0']; "
    code += "import runpy; runpy.run_path('out/generate.py', run_name='__main__')"

    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-P", "-c", code], cwd=tmp_path, capture_output=True, check=True
    )

    assert done.stdout.decode().rstrip("\n") == "分x开" + generate(model, "分开", 8)[2:]


def test_the_models_own_export_has_a_flat_signature(tmp_path: Path) -> None:
    model = a_model(keras.layers.LSTMCell(6))
    model.export(tmp_path / "step", verbose=False)
    step = signature(tmp_path / "step")
    ids = np.array([[1], [4]], np.int32)

    out = step(ids=tf.constant(ids), state_0=tf.zeros((2, 6)), state_1=tf.zeros((2, 6)))

    logits, state = model(ids)
    np.testing.assert_allclose(out["logits"], logits[:, -1], atol=1e-6)
    np.testing.assert_allclose(out["next_state_0"], state[0][0], atol=1e-6)
    np.testing.assert_allclose(out["next_state_1"], state[0][1], atol=1e-6)


def test_an_export_that_differs_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lyric_lm.export.checks._TOLERANCE", -1.0)

    with pytest.raises(ExportError, match="differ from the model's by"):
        export_model(a_model(), tmp_path / "out")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_a_file_and_an_unknown_format_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")

    for name in ("file", "full"):
        with pytest.raises(ExportError, match="is there already"):
            export_model(a_model(), tmp_path / name)
    with pytest.raises(ValueError, match="`format` must be one of"):
        export_model(a_model(), tmp_path / "out", "gguf")
    assert (tmp_path / "full" / "mine").read_text() == "mine"


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(ExportError, match=r"needs ai-edge-litert: pip install 'lyric-lm\[export\]'"):
        export_model(a_model(), tmp_path / "out", "litert")
    assert list(tmp_path.iterdir()) == []


@needs["onnx"]
def test_a_page_without_its_runtime_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="is not the npm package onnxruntime-web"):
        export_model(a_model(), tmp_path / "out", "web", web_runtime=tmp_path)
    assert list(tmp_path.iterdir()) == []
