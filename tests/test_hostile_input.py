"""Whatever is fed in: correct work or one clear sentence; no crash, no raw controls, bounded memory."""

import ast
import contextlib
import json
import string
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import keras
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lyric_lm import RNNModel, Temperature, generate
from lyric_lm.callbacks import LyricSamples
from lyric_lm.cli import main
from lyric_lm.data import CorpusError, UnknownCharacterError, Vocabulary, load_lyrics
from lyric_lm.errors import LyricLMError, SettingsError
from lyric_lm.settings.config import ModelConfig, OptimizerConfig, TrainConfig
from lyric_lm.training.model_size import check_model_size, training_bytes

QUICK = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Trains on a file and says what it took.
PEAK = """
import resource, sys
from lyric_lm.cli import main
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
status = main(sys.argv[1:])
print("status", status, "MiB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""

NASTY = {
    "control characters": "a\x1b[2Jb\x07c\x9b31m\x7f" * 9,
    "direction overrides": "ab\u202ecd\u2066ef\u200f" * 9,
    "right to left": "שלום עולם مرحبا بالعالم " * 5,
    "emoji with joiners": "👩‍👩‍👧‍👦🏳️‍🌈👍🏽é" * 7,
    "line ends": "a\r\nb\rc\u2028d\u2029e\x0bf\x0cg\x85" * 9,
    "beyond the basic plane": "𠮷𡈽𝄞\U0010ffff\ue000" * 20,
}


def train_and_write(text: str, path: Path) -> tuple[int, int]:
    """Exit statuses of a training on a text and of a generation from it."""
    (path / "corpus.txt").write_text(text, encoding="utf-8", newline="")
    prefix = next(c for c in text if c.isprintable() and c.strip())
    words = (
        "--hidden-size 3 --batch-size 2 --num-steps 3 --epochs 2 --every 1 --num-chars 40 --no-tensorboard"
    )
    run = str(path / "run")
    corpus = ["--corpus", str(path / "corpus.txt"), "--prefixes", prefix]
    trained = main(["train", "--run-dir", run, *words.split(), *corpus])
    return trained, main(["generate", "--run-dir", run, "--prefix", prefix, "--num-chars", "40"])


def is_safe(output: str) -> bool:
    steering = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return not any(
        (unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t")
        or unicodedata.bidirectional(c) in steering
        for c in output
    )


@pytest.mark.parametrize("kind", NASTY)
def test_nasty_text_is_learnt_and_written_and_never_steers_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    assert train_and_write(NASTY[kind], tmp_path) == (0, 0)
    captured = capsys.readouterr()
    assert is_safe(captured.out + captured.err)
    assert is_safe((tmp_path / "run" / "README.md").read_text(encoding="utf-8"))


def test_samples_are_printed_safely_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    model = RNNModel(keras.layers.SimpleRNNCell(3), Vocabulary("\x1b\u202e"))
    samples = LyricSamples(["\x1b"], every=1, num_chars=5)
    samples.set_model(model)
    samples.on_train_begin()
    samples.on_epoch_begin(0)
    samples.on_epoch_end(0, {"loss": 1.0})
    assert is_safe(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("分\0开" * 50, "NUL"),
        (b"\xed\xa0\x80\xed\xbf\xbf" * 50, "offset 0"),  # lone surrogates, as no UTF-8 has them
        ("\ud800" * 50, "surrogate|offset"),
        (" \n\t" * 50, "no text but white space"),
        ("", "no text"),
        ("分", "too short"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | bytes, message: str
) -> None:
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    (tmp_path / "corpus.txt").write_bytes(data)
    status = main(["train", "--corpus", str(tmp_path / "corpus.txt"), "--run-dir", str(tmp_path / "run")])
    error = capsys.readouterr().err
    assert status == 2
    assert any(part in error for part in message.split("|"))
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_name_that_would_steer_the_terminal_is_shown_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--corpus", "\x1b[2J\u202e.txt"]) == 2
    assert main(["generate", "--run-dir", "\x1b[2J\u202e"]) == 2
    assert is_safe(capsys.readouterr().err)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "status", "limit"),
    [("one character", 0, 1500), ("a million characters", 2, 1500)],
)
def test_huge_texts_stay_within_a_bound_of_memory(tmp_path: Path, kind: str, status: int, limit: int) -> None:
    if kind == "one character":
        text = "啊" * (10 * 2**20 // 3)  # 10 MB
    else:
        text = "".join(chr(c) for c in range(0x20, 0x110000) if not 0xD800 <= c < 0xE000)[: 10**6]
    (tmp_path / "corpus.txt").write_text(text, encoding="utf-8")
    words = "--max-chars None --prefixes 啊 --epochs 1 --every 1 --batch-size 512 --no-tensorboard"
    args = ["train", "--corpus", str(tmp_path / "corpus.txt"), "--run-dir", str(tmp_path / "run")]
    command = [sys.executable, "-c", PEAK, *args, *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    result = done.stdout.split()
    assert result[result.index("status") + 1] == str(status), done.stderr
    assert int(result[result.index("MiB") + 1]) < limit


def test_a_model_larger_than_the_memory_is_refused_with_both_figures() -> None:
    huge = TrainConfig(model=ModelConfig(hidden_size=10**6))
    with pytest.raises(SettingsError, match=r"hidden_size=1000000 .* GiB of memory; this machine has \d+\."):
        check_model_size(huge, 1000)
    with pytest.raises(SettingsError, match="1000000 different characters"):
        check_model_size(TrainConfig(optimizer=OptimizerConfig(batch_size=512)), 10**6)
    check_model_size(TrainConfig(), 5000)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("embedding_dim", [None, 7])
def test_the_estimate_of_a_models_size_counts_its_weights(cell: Any, embedding_dim: int | None) -> None:
    from lyric_lm.training.building import build_model

    size = 11
    config = ModelConfig(cell=cell, hidden_size=5, num_layers=2, embedding_dim=embedding_dim)
    optimizer = OptimizerConfig(batch_size=1, num_steps=1)
    vocabulary = Vocabulary(string.ascii_letters[:size])
    model = build_model(config, vocabulary, clipping_theta=None)
    kernels = sum(weight.size for weight in model.get_weights() if weight.ndim == 2 and weight.shape[0] > 2)
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
    batch_bytes = 4 * (3 * size + 4 * 5 * gates * 2)
    assert (
        training_bytes(TrainConfig(model=config, optimizer=optimizer), size) - batch_bytes == 4 * 6 * kernels
    )


@given(data=st.binary(max_size=60))
@QUICK
def test_any_bytes_are_a_corpus_or_refused(tmp_path: Path, data: bytes) -> None:
    for name in ("corpus.txt", "corpus.zip"):
        (tmp_path / name).write_bytes(data)
        try:
            lyrics = load_lyrics(tmp_path / name)
        except CorpusError:
            continue
        assert lyrics.vocabulary.decode(lyrics.ids) == lyrics.text


MODEL = RNNModel(keras.layers.SimpleRNNCell(3), Vocabulary("ab不\x1b\u202e👍"))


@given(prefix=st.text(st.characters(), max_size=8) | st.text("ab不\x1b\u202e👍", min_size=1, max_size=8))
@QUICK
def test_any_prefix_is_continued_or_refused(prefix: str) -> None:
    missing = set(prefix) - set(MODEL.vocabulary.characters)
    if missing or not prefix:
        with pytest.raises(UnknownCharacterError if prefix else ValueError) as caught:
            generate(MODEL, prefix, 3)
        assert is_safe(str(caught.value))
        return
    text = generate(MODEL, prefix, 3, sampler=Temperature(1.0), seed=2)
    assert text.startswith(prefix)
    assert len(text) == len(prefix) + 3


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
settings_values = st.one_of(
    json_values,
    st.fixed_dictionaries(
        {},
        optional={
            part: st.one_of(
                json_values,
                st.fixed_dictionaries(
                    {}, optional={name: json_values | st.just(value) for name, value in values.items()}
                ),
            )
            for part, values in TrainConfig().to_dict().items()
        },
    ),
)


@given(values=settings_values)
@settings(max_examples=300)
def test_any_json_is_settings_or_refused(values: Any) -> None:
    try:
        config = TrainConfig.from_dict(values)
    except (TypeError, ValueError, AttributeError):
        return
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@given(values=settings_values)
@settings(max_examples=100)
def test_any_json_as_a_config_file_is_a_run_or_a_clear_error(tmp_path_factory: Any, values: Any) -> None:
    from lyric_lm.runs.run import Run

    folder = tmp_path_factory.mktemp("run")
    parts: dict[str, Any] = {"corpus": {}, "vocabulary": {}, "versions": {}}
    (folder / "config.json").write_text(json.dumps({"format_version": 1, "settings": values, **parts}))
    with contextlib.suppress(LyricLMError):
        assert isinstance(Run.open(folder).settings(), TrainConfig)


def test_nothing_here_pickles_or_evaluates() -> None:
    root = Path(__file__).parents[1]
    banned = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
    for path in [
        p for folder in ("lyric_lm", "callbacks", "tuning", "data") for p in (root / folder).rglob("*.py")
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not banned & {name.split(".")[0] for name in names}, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), path
            if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "safe_mode"):
                safe = {"allow_pickle": False, "safe_mode": True}[node.arg]
                assert isinstance(node.value, ast.Constant), path
                assert node.value.value is safe, path
