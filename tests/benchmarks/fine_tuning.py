"""What going on from an earlier model is worth: `lyric-lm train --from R --recipe generalize`.

    python tests/benchmarks/fine_tuning.py --seeds 0 1 2 --output fine_tuning.json
    python tests/benchmarks/fine_tuning.py --grid

Of three pairs of texts the second is learnt from scratch, learnt from a model R of the first, and scored by R
as it is. Prints medians over the seeds: the perplexity of the second text's last tenth, over the characters
that all three know; and copied, the share of 8-grams that stand in what the model learnt, R's text included,
of 20 samples of 100 characters at temperature 0.8. To be quick, networks are half as wide as the recipe's.
`--grid` is how the schedule of `fine_tune` was chosen, on the first pair alone.
"""

import argparse
import dataclasses
import itertools
import json
import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from lyric_lm import CopyIndex, Temperature, generate
from lyric_lm.cli.start import keep_memory
from lyric_lm.data import read_text
from lyric_lm.evaluation.scoring import Score, compare
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.originality.measures import originality
from lyric_lm.runs.run import Run
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import CorpusConfig, ReportConfig, TrainConfig
from lyric_lm.settings.recipe import fine_tune, generalize
from lyric_lm.training import Parent, Texts, train
from lyric_lm.training.texts import read_texts

WIDTH, DROPOUT = 128, 0.4  # of the recipe's 256 and 0.65
CHARS_READ = 400_000  # in a training from scratch, of the recipe's million
GRID = {"learning_rate": (1e-3, 2e-3, 4e-3), "epochs": (8, 16), "dropout": (0.4, 0.6)}


def pairs(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Name, earlier text and later text; halves are cut at a line's end into files."""
    yield "Jay Chou, then the built-in songs", "jaychou", "built-in"
    for title, source in (("Jay Chou's halves", "jaychou"), ("the built-in songs' halves", "built-in")):
        text = read_text(source)
        middle = text.index("\n", len(text) // 2)
        halves = [folder / f"{source}-{part}.txt" for part in (1, 2)]
        for path, half in zip(halves, (text[:middle], text[middle + 1 :]), strict=True):
            path.write_text(half, encoding="utf-8")
        yield title, str(halves[0]), str(halves[1])


def settings(source: str, seed: int) -> TrainConfig:
    """The recipe's, half as wide and shorter."""
    corpus = CorpusConfig(source, max_chars=None, validation_split=0.1, skip_repeats=True)
    num_chars = len(read_texts(corpus).learnt(corpus).text)
    config = generalize(num_chars, corpus=corpus, report=ReportConfig(prefixes=()))
    changes = {"hidden_size": WIDTH, "embedding_dim": WIDTH, "dropout": DROPOUT, "seed": seed}
    return with_settings(config, {**changes, "epochs": min(60, round(CHARS_READ / num_chars))})


def parent_of(config: TrainConfig) -> Parent:
    """A model R that is trained here and now."""
    return Parent(Run("R"), train(config).model, config, heritage={})


def fine_settings(parent: Parent, later: TrainConfig) -> TrainConfig:
    """The schedule of `--from R --recipe generalize`, with the dropout of so narrow a network."""
    corpus = later.corpus
    num_chars = len(read_texts(corpus).learnt(corpus).text)
    config = fine_tune(dataclasses.replace(parent.settings, corpus=corpus), num_chars)
    return with_settings(config, {"seed": later.optimizer.seed, "dropout": DROPOUT})


def scores_of(models: list[RNNModel], texts: Texts) -> list[float]:
    """Each model's perplexity of the held-out text, over the characters that all of them know."""
    assert texts.validation is not None
    training = texts.training.text
    scores: list[Score] = [
        compare(model, texts.validation.text, training_text=training, context=training, orders=())[0]
        for model in models
    ]
    known = np.logical_and.reduce([score.known for score in scores])
    return [score.only(known).perplexity for score in scores]


def copied(model: RNNModel, texts: Texts, learnt: str) -> float:
    """The share of 8-grams that stand in what the model learnt."""
    lines = texts.training.line_starts[np.linspace(0, len(texts.training.line_starts) - 2, 20).astype(int)]
    prefixes = [
        "".join(c for c in texts.training.text[at : at + 6] if c in model.vocabulary)[:2] for at in lines
    ]
    samples = generate(
        model, [prefix for prefix in prefixes if prefix], 100, sampler=Temperature(0.8), seed=0
    )
    return originality([sample[2:] for sample in samples], CopyIndex(learnt)).as_dict()["copied_8"]


def measure(earlier: str, later: str, seed: int) -> dict[str, tuple[float, float]]:
    """Perplexity and copied share of the three models."""
    keras.backend.clear_session()
    config = settings(later, seed)
    texts = read_texts(config.corpus)
    parent = parent_of(settings(earlier, seed))
    before = read_texts(parent.settings.corpus).training.text
    scratch = train(config).model
    grown = train(fine_settings(parent, config), parent=parent).model
    models, learnt = (
        [scratch, grown, parent.model],
        [texts.training.text, before + texts.training.text, before],
    )
    figures = zip(scores_of(models, texts), map(copied, models, [texts] * 3, learnt), strict=True)
    return dict(zip(("from scratch", "from R", "R as it is"), figures, strict=True))


def grid(folder: Path) -> None:
    """The best held-out perplexity of each schedule, on the first pair with seed 0."""
    _, earlier, later = next(pairs(folder))
    parent = parent_of(settings(earlier, 0))
    base = fine_settings(parent, settings(later, 0))
    for values in itertools.product(*GRID.values()):
        chosen = dict(zip(GRID, values, strict=True))
        outcome = train(with_settings(base, chosen), parent=parent)
        best, epoch = outcome.best("val_perplexity") or (float("nan"), 0)
        print(f"{chosen}: {best:.1f} in epoch {epoch}", flush=True)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--output", type=Path, help="every figure, as JSON; those that it holds are kept")
    parser.add_argument("--shortest-first", action="store_true")
    args = parser.parse_args()
    keep_memory()  # as `lyric-lm train` does
    kept = args.output is not None and args.output.is_file()
    results: dict[str, dict[str, Any]] = json.loads(args.output.read_text("utf-8")) if kept else {}
    with tempfile.TemporaryDirectory() as folder:
        if args.grid:
            grid(Path(folder))
            return
        for name, earlier, later in list(pairs(Path(folder)))[:: -1 if args.shortest_first else 1]:
            runs = results.setdefault(name, {})
            for seed in map(str, args.seeds):
                if seed not in runs:
                    runs[seed] = measure(earlier, later, int(seed))
                    print(f"{name}, seed {seed}: {runs[seed]}", flush=True)
                if args.output is not None:
                    args.output.write_text(json.dumps(results, indent=1), encoding="utf-8")
            print(f"\n{name:36}{'perplexity':>12}{'copied, %':>11}")
            for row in ("from scratch", "from R", "R as it is"):
                perplexity, share = (statistics.median(run[row][i] for run in runs.values()) for i in (0, 1))
                print(f"{row:36}{perplexity:12.1f}{100 * share:11.2f}", flush=True)


if __name__ == "__main__":
    main()
