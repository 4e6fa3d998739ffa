"""What `--recipe generalize` reaches, and what each of its ingredients contributes.

    python tests/benchmarks/recipe.py --corpus jaychou --seeds 0 1 2 --output recipe.json
    python tests/benchmarks/recipe.py --corpus jaychou --seeds 0 1 2 --ablate --output ablation.json
    python tests/benchmarks/recipe.py --corpus jaychou --only "the chapter" --output chapter.json

Prints a table of medians over the seeds and writes each training's figures and samples as JSON. Copied is the
share of 8-grams that stand in the training text, of 20 samples of 200 characters, which go on from the first
two characters of 20 lines of it. One training on the whole Jay Chou corpus takes about three CPU minutes; the
ablation is twelve of them for each seed.
"""

import argparse
import dataclasses
import json
import math
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from lyric_lm import CopyIndex, Greedy, RNNModel, Temperature, generate
from lyric_lm.cli.start import keep_memory
from lyric_lm.data import Lyrics
from lyric_lm.evaluation.scoring import compare
from lyric_lm.originality.measures import originality
from lyric_lm.settings.config import CorpusConfig, ReportConfig, TrainConfig
from lyric_lm.settings.recipe import generalize
from lyric_lm.training.texts import read_texts
from lyric_lm.training.train import train


def _change(part: str, **values: Any) -> Callable[[TrainConfig], TrainConfig]:
    def changed(config: TrainConfig) -> TrainConfig:
        return dataclasses.replace(config, **{part: dataclasses.replace(getattr(config, part), **values)})

    return changed


# Each takes one ingredient away, or puts the plain one in its place.
ABLATIONS: dict[str, Callable[[TrainConfig], TrainConfig]] = {
    "the recipe": lambda config: config,
    "without dropout": _change("model", dropout=0.0),
    "without character dropout": _change("model", character_dropout=0.0),
    "without label smoothing": _change("model", label_smoothing=0.0),
    "output not tied to the embedding": _change("model", tie_embeddings=False),
    "LSTM instead of GRU": _change("model", cell="lstm"),
    "Adam instead of AdamW": _change("optimizer", optimizer="adam", weight_decay=0.0),
    "constant learning rate, no warm-up": _change("optimizer", schedule="constant", warmup=0.0),
    "clipping at 0.01 instead of 1": _change("optimizer", clipping_theta=0.01),
    "the same windows in each epoch": _change("optimizer", rotate=False),
    "unknown token never seen in training": _change("corpus", unknown_share=0.0),
    "repeated lines read each time": _change("corpus", skip_repeats=False),
}
CHAPTER = "the chapter"  # its settings and its text, the first 10,000 characters, with nothing held out
TEMPERATURES = {"greedy": Greedy(), "0.5": Temperature(0.5), "0.8": Temperature(0.8)}


def measure(config: TrainConfig) -> dict[str, Any]:
    """Train once and score the held-out text: all of its characters, after the training text."""
    keras.backend.clear_session()
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = train(config)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    texts = read_texts(config.corpus)
    model, history = outcome.model, outcome.history
    figures = {
        "perplexity_in_training": history.column("perplexity"),
        "epochs": len(history.column("perplexity")),
        "seconds": wall,
        "cpu_seconds": cpu,
        **copying(model, texts.training),
    }
    if texts.validation is None:
        return figures
    training_text = texts.training.text
    scores = compare(model, texts.validation.text, training_text=training_text, context=training_text)
    return figures | {
        "perplexity": scores[0].perplexity,
        "known_perplexity": scores[0].known_perplexity,
        "bits": scores[0].bits,
        "val_perplexity": history.column("val_perplexity"),
        "best_epoch": outcome.epoch,
        "ngrams": {s.name: [s.perplexity, s.known_perplexity] for s in scores[1:]},
    }


def copying(model: RNNModel, training: Lyrics) -> dict[str, Any]:
    """How much of 20 samples of 200 characters is copied, and the samples."""
    lines = training.line_starts[np.linspace(0, len(training.line_starts) - 2, 20).astype(int)]
    prefixes = [training.text[start : start + 2] for start in lines]
    index = CopyIndex(training.text)
    figures: dict[str, Any] = {}
    for name, sampler in TEMPERATURES.items():
        texts = generate(model, prefixes, 200, sampler=sampler, seed=0)
        report = originality([text[2:] for text in texts], index)
        figures[f"originality {name}"] = report.as_dict()
        figures[f"samples {name}"] = texts
    return figures


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpus", default="jaychou")
    parser.add_argument("--max-chars", type=int)
    parser.add_argument("--keep-newlines", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="instead of the recipe's own")
    parser.add_argument("--ablate", action="store_true", help="take each ingredient away in turn")
    parser.add_argument("--only", nargs="+", choices=[*ABLATIONS, CHAPTER], help="these rows")
    parser.add_argument("--output", type=Path, help="where to write every training's figures, as JSON")
    args = parser.parse_args()
    keep_memory()  # as `lyric-lm train` does
    data = CorpusConfig(
        corpus=args.corpus,
        max_chars=args.max_chars,
        keep_newlines=args.keep_newlines,
        validation_split=0.1,
        skip_repeats=True,
    )
    learnt = read_texts(data).learnt(data)
    config = generalize(len(learnt.text), corpus=data, report=ReportConfig(prefixes=()))
    if args.epochs:
        config = _change("optimizer", epochs=args.epochs)(config)
    rows = args.only or (list(ABLATIONS) if args.ablate else ["the recipe"])
    results: dict[str, list[dict[str, Any]]] = {row: [] for row in rows}
    print(f"{'':36}{'perplexity':>14}{'copied, %':>20}\n{'':36}", end="")
    print(f"{'all':>7}{'known':>7}{'greedy':>8}{'0.5':>6}{'0.8':>6}{'epochs':>7}{'CPU s':>7}", flush=True)
    for row in rows:
        for seed in args.seeds:
            chosen = TrainConfig(CorpusConfig(args.corpus)) if row == CHAPTER else ABLATIONS[row](config)
            changed = _change("optimizer", seed=seed)(chosen)
            results[row].append({"seed": seed, **measure(changed)})
            if args.output is not None:
                args.output.write_text(json.dumps({"config": config.to_dict(), "results": results}, indent=1))
        print(_line(row, results[row]), flush=True)
    for name, (perplexity, known) in results[rows[0]][0].get("ngrams", {}).items():
        print(f"{name:36}{perplexity:7.1f}{known:7.1f}")


def _line(row: str, runs: list[dict[str, Any]]) -> str:
    def median(name: str) -> float:
        return float(statistics.median(run.get(name, math.nan) for run in runs))

    copied = [
        100 * statistics.median(run[f"originality {name}"]["copied_8"] for run in runs)
        for name in TEMPERATURES
    ]
    return (
        f"{row:36}{median('perplexity'):7.1f}{median('known_perplexity'):7.1f}"
        f"{copied[0]:8.2f}{copied[1]:6.2f}{copied[2]:6.2f}"
        f"{median('epochs'):7.0f}{median('cpu_seconds'):7.0f}"
    )


if __name__ == "__main__":
    main()
