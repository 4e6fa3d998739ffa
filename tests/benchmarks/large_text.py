"""A text larger than memory: how fast its ids are written, in how much memory, what a step from disk costs.

    python tests/benchmarks/large_text.py --folder /tmp --gigabytes 2

The text is the lines of a corpus, shuffled again and again. Reading it and training on it are a process each,
whose peak memory is told; the steps read rows that lie far apart, by turns with as many from memory.
"""

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BATCH_SIZE, NUM_STEPS = 32, 35


def make(path: Path, corpus: str, num_bytes: float) -> None:
    """Write the text."""
    from lyric_lm.data import read_text

    lines = [line for line in read_text(corpus).split("\n") if line.strip()]
    chance, size = random.Random(0), 0
    with path.open("wb") as file:
        while size < num_bytes:
            chance.shuffle(lines)
            size += file.write(("\n".join(lines) + "\n").encode())


def prepare(path: Path) -> None:
    """Load it twice: its ids are written, then used again."""
    from lyric_lm.data import load_lyrics

    first = seconds(lambda: load_lyrics(str(path)))
    again = seconds(lambda: load_lyrics(str(path)))
    size = path.stat().st_size
    print(f"{size / 1e9:.1f} GB: {first:.1f} s, {size / 1e6 / first:.0f} MB/s; again {again:.1f} s; {peak()}")


def step(path: Path, num_batches: int, rounds: int) -> None:
    """Train for some batches, from disk and from memory by turns."""
    import keras
    import numpy as np

    from lyric_lm import RNNModel
    from lyric_lm.data import consecutive_batches, load_lyrics

    lyrics = load_lyrics(str(path))
    model = RNNModel(keras.layers.SimpleRNNCell(256), lyrics.vocabulary, clipping_theta=1e-2)
    model.compile(optimizer=keras.optimizers.SGD(1.0))
    few = np.array(lyrics.ids[: BATCH_SIZE * (num_batches * NUM_STEPS + 1)])
    batches = {
        name: consecutive_batches(ids, BATCH_SIZE, NUM_STEPS).take(num_batches)
        for name, ids in (("disk", lyrics.ids), ("memory", few))
    }
    times: dict[str, list[float]] = {name: [] for name in batches}
    for _ in range(1 + rounds):  # the first compiles
        for name, some in batches.items():
            times[name].append(seconds(lambda some=some: model.fit(some, verbose=0)))  # type: ignore[misc]
    disk, memory = (statistics.median(times[name][1:]) for name in batches)
    print(f"{num_batches} steps: {disk:.2f} s from disk, {memory:.2f} s from memory, ", end="")
    print(f"{disk / memory:.2f} times as long; {peak()}")


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak() -> str:
    return f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"


def main() -> None:
    """Make the text, or do what the parent process asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, help="with room for twice the text")
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--corpus", default="built-in")
    parser.add_argument("--batches", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--part", choices=("prepare", "step"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part == "prepare":
        prepare(given.folder / "text.txt")
    elif given.part == "step":
        step(given.folder / "text.txt", given.batches, given.rounds)
    else:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            make(Path(folder, "text.txt"), given.corpus, given.gigabytes * 1e9)
            for part in ("prepare", "step"):
                command = [sys.executable, __file__, *sys.argv[1:], "--folder", folder, "--part", part]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
