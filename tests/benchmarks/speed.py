"""How fast training and generation are, beside peers, as ratios in one run.

    python tests/benchmarks/speed.py               # everything, about 25 minutes
    python tests/benchmarks/speed.py --only a,e    # some parts
    python tests/benchmarks/speed.py --json out.json

Parts: a the chapter's epoch, b full corpus, c GRU and LSTM, d hidden 1024, e generation, f whole processes.

Contenders take turns, a few epochs at a time, in one process; each figure is the median over all epochs but
the first of each turn. Compiling is left out and shown beside. The rate of large float32 matrix products is
measured in the same turns; the load average that comes first says whether the machine was quiet (below 0.5 or
so). bfloat16 is measured on the chapter's epoch. Peers come with the extra `bench`; one that is missing is
named and left out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[2]))  # a script has only its own folder there

import numpy as np
import tensorflow as tf

from lyric_lm.data import Lyrics, load_lyrics
from tests.benchmarks.generation_peers import GENERATORS
from tests.benchmarks.peers import PEERS, Setting

PARTS = {
    "a": [Setting("chapter's epoch")],
    "b": [Setting("full corpus")],
    "c": [Setting("GRU 256", cell="gru"), Setting("LSTM 256", cell="lstm")],
    "d": [Setting("hidden 1024", hidden=1024, batch_size=64, num_steps=100, rate=10.0)],
}
SLOW_PEERS = {"the chapter's loop"}  # left out of the larger workloads


def corpus(max_chars: int | None) -> Lyrics:
    """The book's corpus where it is at hand, else the built-in one."""
    source = "jaychou" if os.environ.get("LYRIC_LM_DATA") else "built-in"
    return load_lyrics(source, max_chars=max_chars)


def gemm_rate() -> Callable[[int], list[float]]:
    """Rate of 2048 x 2048 float32 products in GFLOP/s, as a contender that returns one figure a call."""
    a = tf.random.normal((2048, 2048))
    multiply = tf.function(lambda x: tf.reduce_sum(x @ x))

    def run(calls: int) -> list[float]:
        rates = []
        for _ in range(calls):
            start = time.perf_counter()
            multiply(a).numpy()
            rates.append(2 * 2048**3 / (time.perf_counter() - start) / 1e9)
        return rates

    return run


def train_rows(part: str, setting: Setting, rounds: int, turn: int) -> list[dict[str, Any]]:
    """One row a contender: seconds of an epoch, ratio to ours."""
    lyrics = corpus(10_000 if part in "ac" else None)
    contenders, notes = {}, {}
    for name, build in PEERS.items():
        if part != "a" and name in SLOW_PEERS:
            continue
        try:
            start = time.perf_counter()
            run = build(setting, lyrics.ids, lyrics.vocabulary)
            run(1)
            contenders[name] = run
            notes[name] = f"first epoch {time.perf_counter() - start:.1f} s"
        except NotImplementedError:
            continue
        except Exception as error:  # a peer that is missing or fails is reported, not fatal
            print(f"{name} left out: {type(error).__name__}: {str(error)[:100]}", flush=True)
    contenders["GEMM rate"] = gemm_rate()
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            taken[name] += run(turn + 1)[1:]
    rate = statistics.median(taken.pop("GEMM rate"))
    floor = setting.gflop(len(lyrics.vocabulary), len(lyrics.ids)) / rate
    ours = statistics.median(taken["lyric_lm"])
    rows: list[dict[str, Any]] = [
        {"work": setting.name, "who": f"GEMM floor at {rate:.0f} GFLOP/s", "seconds": floor}
    ]
    for name, seconds in taken.items():
        rows.append(
            {"work": setting.name, "who": name, "seconds": statistics.median(seconds), "note": notes[name]}
        )
    return [{**row, "times ours": row["seconds"] / ours} for row in rows]


def generation_rows(rounds: int) -> list[dict[str, Any]]:
    """Characters a second, one stream and 64, greedy and drawn at temperature .8."""
    lyrics = corpus(10_000)
    rows = []
    for streams in (1, 64):
        for temperature in (None, 0.8):
            contenders: dict[str, Callable[[], float]] = {}
            for name, build in GENERATORS.items():
                try:
                    contenders[name] = build(lyrics, streams, temperature)
                    contenders[name]()
                except Exception as error:
                    print(f"{name} left out: {type(error).__name__}: {str(error)[:100]}", flush=True)
            rates: dict[str, list[float]] = {name: [] for name in contenders}
            for _ in range(rounds * 2):
                for name, run in contenders.items():
                    rates[name].append(run())
            ours = statistics.median(rates["lyric_lm"])
            work = (
                f"{streams} stream{'s' * (streams > 1)}, {'greedy' if temperature is None else 'temperature'}"
            )
            for name, found in rates.items():
                rate = statistics.median(found)
                rows.append({"work": work, "who": name, "characters/s": rate, "times ours": ours / rate})
    return rows


def process_rows(rounds: int) -> list[dict[str, Any]]:
    """Wall time and peak memory of whole processes."""
    with tempfile.TemporaryDirectory() as folder:
        run_dir = f"{folder}/run"
        command = [sys.executable, "-m", "lyric_lm"]
        commands = {
            "import tensorflow, keras": [sys.executable, "-c", "import tensorflow, keras"],
            "lyric-lm --help": [*command, "--help"],
            "lyric-lm train": [
                *command,
                "train",
                "--corpus",
                "built-in",
                "--run-dir",
                run_dir,
                "--overwrite",
            ],
            "lyric-lm generate": [*command, "generate", "--run-dir", run_dir],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        peak = dict.fromkeys(commands, 0.0)
        for i in range(rounds):
            for name, words in commands.items():
                if name == "lyric-lm train" and i > 0:
                    continue
                start = time.perf_counter()
                process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                _, status, usage = os.wait4(process.pid, 0)
                if status:
                    raise RuntimeError(f"{' '.join(words)} failed")
                seconds[name].append(time.perf_counter() - start)
                peak[name] = max(peak[name], usage.ru_maxrss / 2**20)
        return [
            {"work": "process", "who": name, "seconds": statistics.median(found), "peak GB": peak[name]}
            for name, found in seconds.items()
        ]


def show(rows: list[dict[str, Any]]) -> None:
    """Print rows as a table."""
    work = None
    for row in rows:
        if row["work"] != work:
            work = row["work"]
            print(f"\n{work}")
        figures = [f"{row['seconds']:9.4f} s" if "seconds" in row else f"{row['characters/s']:9,.0f} chars/s"]
        figures += [f"{row['times ours']:6.2f} x ours"] if "times ours" in row else []
        figures += [f"{row['peak GB']:.2f} GB peak"] if "peak GB" in row else []
        print(f"  {row['who']:32s} {'  '.join(figures)}  {row.get('note', '')}", flush=True)


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="a,b,c,d,e,f", help="parts, separated by commas")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender")
    parser.add_argument("--turn", type=int, default=4, help="epochs in a turn")
    parser.add_argument("--json", type=Path, help="where to write the rows, too")
    options = parser.parse_args()
    if hasattr(os, "getloadavg"):  # not on Windows
        print(f"load average before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} processors", flush=True)
    np.random.seed(0)
    rows: list[dict[str, Any]] = []
    for part in options.only.split(","):
        if part in PARTS:
            found = [r for s in PARTS[part] for r in train_rows(part, s, options.rounds, options.turn)]
        else:
            found = generation_rows(options.rounds) if part == "e" else process_rows(options.rounds)
        show(found)
        rows += found
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
