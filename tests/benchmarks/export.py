"""Size, start-up and speed of each format that a model can be exported to, in one run.

    python tests/benchmarks/export.py [--hidden-size 256] [--json out.json]

Each format writes 1,000 characters greedily, one stream, in a process of its own that imports what it needs:
start-up is from the process's start to the first character, which includes that import; characters a second
are those of the second text. Medians of three processes, the formats taking turns. The model is an untrained
GRU of the built-in corpus's characters.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # a script has only its own folder there

_ROUNDS, _NUM_CHARS = 3, 1000
# Each prints the time at its first character, then the seconds that a whole text takes.
_COMMANDS = {
    "lyric_lm": """
from lyric_lm.runs.model_file import load_model_file
from lyric_lm import generate
from pathlib import Path
model = load_model_file(Path("model.keras"))
write = lambda n: generate(model, "分", n)
""",
    "savedmodel": """
import tensorflow as tf
f = tf.saved_model.load("savedmodel").signatures["serving_default"]
write = lambda n: f(prefix=tf.constant(["分"]), num_chars=tf.constant(n), temperature=tf.constant(0.),
    seed=tf.constant(0))["text"].numpy()
""",
    **{
        kind: f"""
import sys
sys.path.insert(0, {kind!r})
from generate import generate
write = lambda n: generate("分", n)
"""
        for kind in ("onnx", "litert")
    },
}
_MEASURE = f"""
import time
write(1)
first = time.time()
write({_NUM_CHARS})  # lyric_lm compiles a loop for each length
began = time.time()
write({_NUM_CHARS})
print(first, time.time() - began)
"""


def main() -> None:
    """Export, measure, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hidden-size", type=int, default=256)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = _export(folder, options.hidden_size)
        rows: dict[str, list[tuple[float, float]]] = {kind: [] for kind in _COMMANDS}
        for _ in range(_ROUNDS):
            for kind, code in _COMMANDS.items():
                rows[kind].append(_run(folder, code))
    table = {
        kind: {
            "megabytes": sizes[kind],
            "start_seconds": statistics.median(start for start, _ in rows[kind]),
            "characters_per_second": statistics.median(rate for _, rate in rows[kind]),
        }
        for kind in _COMMANDS
    }
    for kind, row in table.items():
        print(
            f"{kind:12} {row['megabytes']:6.2f} MB {row['start_seconds']:6.2f} s start "
            f"{row['characters_per_second']:9,.0f} characters/s"
        )
    if options.json:
        options.json.write_text(json.dumps(table, indent=2) + "\n")


def _export(folder: Path, hidden_size: int) -> dict[str, float]:
    import keras

    from lyric_lm import RNNModel
    from lyric_lm.data import load_lyrics
    from lyric_lm.export import export_model

    keras.utils.set_random_seed(0)
    model = RNNModel(keras.layers.GRUCell(hidden_size), load_lyrics("built-in", max_chars=10_000).vocabulary)
    model.save(folder / "model.keras")
    sizes = {"lyric_lm": (folder / "model.keras").stat().st_size / 1e6}
    for kind in ("savedmodel", "onnx", "litert"):
        export_model(model, folder / kind, kind)
        sizes[kind] = sum(path.stat().st_size for path in (folder / kind).rglob("*") if path.is_file()) / 1e6
    return sizes


def _run(folder: Path, code: str) -> tuple[float, float]:
    """Seconds to the first character, and characters a second after it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-c", code + _MEASURE],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    first, seconds = map(float, done.stdout.split()[-2:])
    return first - began, _NUM_CHARS / seconds


if __name__ == "__main__":
    main()
