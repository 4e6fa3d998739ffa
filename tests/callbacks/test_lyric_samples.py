"""The chapter's report, line by line."""

import math
import re
import time
from typing import Any

import keras
import numpy as np
import pytest

from lyric_lm import CopyIndex, MaxCopy, RNNModel, Temperature, generate
from lyric_lm.callbacks import LyricSamples
from lyric_lm.data import UnknownCharacterError, Vocabulary, consecutive_batches

TEXT = "分开不分开 我们不分开 你们分开 他不开 " * 4
VOCABULARY = Vocabulary.from_text(TEXT)
IDS = VOCABULARY.encode(TEXT)


def fit(callbacks: list[Any], epochs: int = 6, **kwargs: Any) -> Any:
    keras.utils.set_random_seed(0)
    model = RNNModel(keras.layers.SimpleRNNCell(5), VOCABULARY)
    model.compile(optimizer=keras.optimizers.SGD(50.0), jit_compile=False)
    history = model.fit(
        consecutive_batches(IDS, 2, 6), epochs=epochs, verbose=0, callbacks=callbacks, **kwargs
    )
    return model, history.history


def test_the_printed_lines_are_the_chapters(capsys: pytest.CaptureFixture[str]) -> None:
    model, history = fit([LyricSamples(["分开", "不分开"], every=3, num_chars=7)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    for line, epoch in ((lines[0], 3), (lines[3], 6)):
        found = re.fullmatch(rf"epoch {epoch}, perplexity (\d+\.\d{{6}}), time (\d+\.\d\d) sec", line)
        assert found
        assert float(found[1]) == pytest.approx(math.exp(history["loss"][epoch - 1]), rel=1e-5)
    # After the last epoch the model is the returned one.
    assert lines[4:] == [f" - {generate(model, prefix, 7)}" for prefix in ("分开", "不分开")]


def test_the_last_epoch_is_reported_where_a_training_is_over_before_its_time() -> None:
    class Stop(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            del logs
            self.model.stop_training = epoch == 2

    over: list[str] = []
    not_over: list[str] = []
    options: dict[str, Any] = {"every": 2, "num_chars": 4}
    model, _ = fit(
        [
            LyricSamples(["分"], write=over.append, **options),
            LyricSamples(["分"], write=not_over.append, is_over=lambda: False, **options),
            Stop(),
        ]
    )
    assert [line.split(",")[0] for line in over[::2]] == ["epoch 2", "epoch 3"]
    assert over[3] == f" - {generate(model, '分', 4)}"
    assert len(not_over) == 2


def test_the_time_is_that_of_training_alone() -> None:
    class Slow(keras.callbacks.Callback):  # type: ignore[misc]
        def on_test_end(self, logs: Any = None) -> None:
            del logs
            time.sleep(0.4)

    lines: list[str] = []
    samples = LyricSamples(["分"], every=2, num_chars=3, write=lines.append)
    fit([samples, Slow()], epochs=4, validation_data=consecutive_batches(IDS, 1, 5))
    seconds = [float(m[1]) for line in lines if (m := re.search(r"time (\S+) sec", line))]
    assert len(seconds) == 2
    assert seconds[1] < 0.3


def test_sampler_rules_and_seed_are_those_given() -> None:
    lines: list[str] = []
    sampler, rules = Temperature(2.0), [MaxCopy(IDS, 3, vocab_size=len(VOCABULARY))]
    options: dict[str, Any] = {"sampler": sampler, "rules": rules, "seed": 5}
    model, _ = fit([LyricSamples(["分开"], every=2, num_chars=30, write=lines.append, **options)], epochs=2)
    assert lines[1] == " - " + generate(model, "分开", 30, **options)


def test_what_is_copied_reaches_the_history_and_a_line_of_its_own() -> None:
    lines: list[str] = []
    index = CopyIndex(TEXT)
    callback = LyricSamples(
        ["分开"], every=5, num_chars=40, copy_index=index, print_copied=True, write=lines.append
    )
    model, history = fit([callback], epochs=5)
    text = generate(model, "分开", 40)[2:]
    share = np.mean([text[i : i + 8] in TEXT for i in range(33)])
    assert history["copied_8"] == [pytest.approx(share)]
    runs = [j - i for i in range(40) for j in range(i, 41) if text[i:j] in TEXT]
    assert history["longest_copied_run"] == [max(runs)]
    assert lines[-1] == f"   copied: {share:.0%} of 8-grams, longest run {max(runs)} characters"


@pytest.mark.parametrize("unknown", [False, True])
def test_a_prefix_that_cannot_be_continued_stops_before_the_first_epoch(unknown: bool) -> None:
    model = RNNModel(keras.layers.SimpleRNNCell(3), Vocabulary.from_text(TEXT, unknown=unknown))
    model.compile(optimizer=keras.optimizers.SGD(1.0), jit_compile=False)
    before = model.get_weights()
    with pytest.raises(UnknownCharacterError, match="龘"):
        model.fit(consecutive_batches(IDS, 2, 6), verbose=0, callbacks=[LyricSamples(["龘"])])
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"every": 0}, "`every` must be at least 1"),
        ({"num_chars": 0}, "`num_chars` must be at least 1"),
        ({"prefixes": "分开"}, "`prefixes` must be a list"),
        ({"prefixes": ["分", ""]}, "`prefixes` must hold at least one character"),
        ({"print_copied": True}, "needs a `copy_index`"),
    ],
)
def test_a_wrong_setting_is_named(options: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LyricSamples(**options)
