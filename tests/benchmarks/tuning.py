"""Trials per hour against a plain KerasTuner script, on the same space, in one run.

    python tests/benchmarks/tuning.py --corpus jaychou --trials 12 --epochs 50

Each contender runs in a process of its own, start-up included, and tries the same values: random search draws
them from one seed. `plain` is what a reader of KerasTuner's guide would write: `keras.layers.Embedding`,
`SimpleRNN(stateful=True)`, `Dense` and `kt.RandomSearch`; `plain one-hot` has the chapter's one-hot
characters in the embedding's place, and so is the same model as ours, whose perplexities compare.
Trials per hour count on a quiet machine only; the processor's own time, in brackets, says something on any.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CONTENDERS = ("plain", "plain one-hot", "lyric_lm without pruning", "lyric_lm")
RATES, SIZES, BATCH_SIZE, NUM_STEPS = (10.0, 1000.0), (64, 128, 256, 512), 32, 35


def main() -> None:
    """Run all contenders, one after the other, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default="built-in")
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=CONTENDERS, help="run one contender and print its trials as JSON")
    options = parser.parse_args()
    if options.only:
        print(json.dumps(_run(options)))
        return
    rates, efforts = {}, {}
    for name in CONTENDERS:
        start, before = time.perf_counter(), os.times()
        command = [sys.executable, __file__, *sys.argv[1:], "--only", name]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        hours, after = (time.perf_counter() - start) / 3600, os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        trials = json.loads(output.splitlines()[-1])
        rates[name], efforts[name] = len(trials) / hours, used / len(trials)
        print(
            f"{name:25} {len(trials)} trials in {hours * 3600:.0f} s: {rates[name]:.0f} per hour, "
            f"{rates[name] / rates['plain']:.2f} x plain ({efforts['plain'] / efforts[name]:.2f} x by the "
            f"processor's {used:.0f} s); best perplexity {min(trials.values()):.4g}"
        )
        for values, perplexity in trials.items():
            print(f"    {values}: {perplexity:.4g}")


def _run(options: argparse.Namespace) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        return _plain(options, folder) if options.only.startswith("plain") else _ours(options, folder)


def _ours(options: argparse.Namespace, folder: str) -> dict[str, float]:
    from lyric_lm.settings.config import CorpusConfig, OptimizerConfig, TrainConfig
    from lyric_lm.tuning import SearchConfig, SearchRunConfig, SearchSpace, search

    config = TrainConfig(
        corpus=CorpusConfig(corpus=options.corpus),
        optimizer=OptimizerConfig(epochs=options.epochs, batch_size=BATCH_SIZE, num_steps=NUM_STEPS),
    )
    settings = SearchConfig(
        max_trials=options.trials, search_seed=options.seed, pruning=options.only == "lyric_lm"
    )
    space = SearchSpace(learning_rate=RATES, hidden_size=SIZES)
    run = SearchRunConfig(run_dir=Path(folder) / "search")
    tuner = search(config, space, settings=settings, run=run)
    return {_name(trial): float(trial.score) for trial in tuner.oracle.trials.values()}


def _plain(options: argparse.Namespace, folder: str) -> dict[str, float]:
    import keras
    import keras_tuner as kt

    from lyric_lm.data import consecutive_batches, load_lyrics

    lyrics = load_lyrics(options.corpus, max_chars=10_000)
    batches = consecutive_batches(lyrics.ids, BATCH_SIZE, NUM_STEPS)
    num_characters = len(lyrics.vocabulary)

    def one_hot() -> keras.layers.Layer:
        return keras.layers.Lambda(lambda ids: keras.ops.one_hot(ids, num_characters))

    def build(hp: kt.HyperParameters) -> keras.Model:
        rate = hp.Float("learning_rate", *RATES, sampling="log")
        units = hp.Choice("hidden_size", list(SIZES))
        model = keras.Sequential(
            [
                keras.Input(batch_shape=(BATCH_SIZE, NUM_STEPS)),
                one_hot()
                if options.only == "plain one-hot"
                else keras.layers.Embedding(num_characters, units),
                keras.layers.SimpleRNN(units, return_sequences=True, stateful=True),
                keras.layers.Dense(num_characters),
            ]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer=keras.optimizers.SGD(rate, global_clipnorm=1e-2), loss=loss)
        return model

    class ResetState(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            del epoch, logs
            self.model.layers[-2].reset_state()

    tuner = kt.RandomSearch(
        build,
        objective=kt.Objective("loss", "min"),
        max_trials=options.trials,
        seed=options.seed + 1,
        directory=folder,
        max_consecutive_failed_trials=options.trials + 1,
    )
    tuner.search(batches, epochs=options.epochs, callbacks=[ResetState()], verbose=0, shuffle=False)
    return {_name(trial): _perplexity(trial.score) for trial in tuner.oracle.trials.values()}


def _name(trial: Any) -> str:
    values = trial.hyperparameters.values
    return f"learning rate {values['learning_rate']:.4g}, hidden size {values['hidden_size']}"


def _perplexity(loss: float | None) -> float:
    return math.inf if loss is None else math.exp(min(loss, 700.0))


if __name__ == "__main__":
    main()
