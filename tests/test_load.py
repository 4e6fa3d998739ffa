"""Many threads, many epochs: no wrong text, no growing memory."""

import concurrent.futures
import gc
import os
import threading
from pathlib import Path
from typing import Any

import keras
import pytest

from lyric_lm import RNNModel, TopK, generate
from lyric_lm.callbacks import ExactResume, LyricSamples
from lyric_lm.data import consecutive_batches, load_lyrics
from lyric_lm.runs.record import describe_run
from lyric_lm.runs.run import Run
from lyric_lm.settings.config import CorpusConfig, ModelConfig, OptimizerConfig, TrainConfig
from lyric_lm.training import load_texts, train

THREADS = 8
PREFIXES = ["分开", "不", "我们在", "夜"]
LYRICS = load_lyrics("built-in", max_chars=3000)


def resident_mib() -> float:
    """Memory of this process in MiB."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("only Linux tells a process how much memory it has")
    gc.collect()
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


class TrainUntil(keras.callbacks.Callback):  # type: ignore[misc]
    """Goes on until others are done, and notes the memory after each epoch."""

    def __init__(self, done: threading.Event) -> None:
        super().__init__()
        self._done = done

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        del epoch, logs
        self.model.stop_training = self._done.is_set()


def expected_texts(model: RNNModel) -> dict[tuple[str, int], str]:
    keys = [(prefix, seed) for prefix in PREFIXES for seed in range(5)]
    return {(prefix, seed): generate(model, prefix, 20, sampler=TopK(5), seed=seed) for prefix, seed in keys}


@pytest.mark.parametrize("num_calls", [400, pytest.param(10_000, marks=pytest.mark.slow)])
def test_threads_that_generate_while_the_model_trains_get_right_texts_and_take_no_memory(
    num_calls: int, capsys: pytest.CaptureFixture[str]
) -> None:
    keras.utils.set_random_seed(0)
    twin, model = (RNNModel(keras.layers.GRUCell(11), LYRICS.vocabulary) for _ in range(2))
    twin.set_weights(model.get_weights())
    expected = expected_texts(twin)
    keys = list(expected)
    # The training runs in full but its steps have length 0, so that each text is known beforehand.
    model.compile(keras.optimizers.SGD(0.0))
    done, memory = threading.Event(), []

    def call(number: int) -> bool:
        if number in (num_calls // 4, num_calls - 1):
            memory.append(resident_mib())
        prefix, seed = keys[number % len(keys)]
        return generate(model, prefix, 20, sampler=TopK(5), seed=seed) == expected[prefix, seed]

    def call_all() -> int:
        try:
            with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
                return sum(pool.map(call, range(num_calls)))
        finally:
            done.set()

    with concurrent.futures.ThreadPoolExecutor(1) as outer:
        right = outer.submit(call_all)
        batches = consecutive_batches(LYRICS.ids, 5, 7)
        history = model.fit(batches, epochs=10**6, verbose=0, callbacks=[TrainUntil(done)])
        assert right.result() == num_calls
    growth = memory[1] - memory[0]
    with capsys.disabled():
        print(f" [{num_calls} calls, {len(history.epoch)} epochs beside them, {growth:+.1f} MiB]", end="")
    assert growth < 40


class Memory(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes the memory after every fifth epoch."""

    def __init__(self) -> None:
        super().__init__()
        self._noted: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        del logs
        if epoch % 5 == 0:
            self._noted.append(resident_mib())

    def growth(self, warm_up: int) -> float:
        """MiB between the end of the warm-up and the last epoch."""
        return self._noted[-1] - self._noted[warm_up // 5]


@pytest.mark.parametrize("epochs", [60, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_memory_is_flat_over_many_epochs_with_callbacks_and_checkpoints(
    tmp_path: Path, epochs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    config = TrainConfig(
        corpus=CorpusConfig(max_chars=1500, validation_split=0.1),
        model=ModelConfig(cell="gru", hidden_size=13, embedding_dim=7, dropout=0.1),
        optimizer=OptimizerConfig(optimizer="adam", batch_size=4, num_steps=9, epochs=epochs, rotate=True),
    )
    texts = load_texts(config)
    memory = Memory()
    samples = LyricSamples(every=5, num_chars=11, write=lambda _: None)
    with Run.create(tmp_path / "run", describe_run(config, texts.training, texts.validation)) as run:
        resume = ExactResume(run.checkpoints, [samples], every=2)
        train(config, run=run, callbacks=[samples, memory, resume])
    growth = memory.growth(epochs // 4)
    with capsys.disabled():
        print(f" [{epochs} epochs, {growth:+.1f} MiB after the first quarter]", end="")
    assert growth < 30
