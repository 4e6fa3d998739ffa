"""What the dashboards cost: the chapter's training with and without them, by turns.

    python tests/benchmarks/tensorboard_cost.py --rounds 3

Two figures: the share of a training's time spent in the callback's own hooks, which does not depend on what
else the machine does, and the medians of whole trainings, which hold all there is. Goal: under 3 %.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Run the trainings and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="trainings of each kind")
    parser.add_argument("--epochs", type=int, default=250, help="of each; the chapter's are 250")
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {"without": [], "with": []}
    shares = []
    train = _trainer(arguments.epochs)
    train(None)  # compiles
    for _ in range(arguments.rounds):
        seconds["without"].append(train(None))
        with tempfile.TemporaryDirectory() as folder:
            board = _timed_board(folder)
            seconds["with"].append(train(board))
        shares.append(board.seconds / seconds["with"][-1])
        _print_row(board.seconds, shares[-1], seconds)
    extra = statistics.median(seconds["with"]) / statistics.median(seconds["without"]) - 1
    share = statistics.median(shares)
    print(f"in the hooks {share:.2%} of the time; by the medians of whole trainings {extra:+.2%}")


def _print_row(in_hooks: float, share: float, seconds: dict[str, list[float]]) -> None:
    print(
        f"without {seconds['without'][-1]:6.2f} s   with {seconds['with'][-1]:6.2f} s   "
        f"in the hooks {in_hooks:5.2f} s = {share:.2%}",
        flush=True,
    )


def _trainer(epochs: int) -> Callable[[Any], float]:
    """A function that trains the chapter's model anew and returns the seconds that took.

    The compiled step is shared: what differs is the callback alone.
    """
    import keras

    from lyric_lm import RNNModel
    from lyric_lm.callbacks import LyricSamples
    from lyric_lm.data import consecutive_batches, load_lyrics

    lyrics = load_lyrics("built-in", max_chars=10_000)
    batches = consecutive_batches(lyrics.ids, 32, 35)
    keras.utils.set_random_seed(0)
    model = RNNModel(keras.layers.SimpleRNNCell(256), lyrics.vocabulary)
    model.compile(keras.optimizers.SGD(100.0))
    start_weights = model.get_weights()

    def train(board: Any) -> float:
        model.set_weights(start_weights)
        start = time.perf_counter()
        # The report, which the command always gives, compiles the sampling that both share.
        callbacks = [LyricSamples(write=str), *([] if board is None else [board])]
        model.fit(batches, epochs=epochs, verbose=0, callbacks=callbacks)
        return time.perf_counter() - start

    return train


def _timed_board(folder: str) -> Any:
    """The callback, counting the seconds spent in its hooks."""
    from lyric_lm.callbacks import TensorBoard

    board: Any = TensorBoard(folder, settings={"cell": "rnn", "hidden_size": 256})
    board.seconds = 0.0
    for name in ("on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end"):
        setattr(board, name, _counted(board, getattr(board, name)))
    return board


def _counted(board: Any, hook: Callable[..., None]) -> Callable[..., None]:
    def call(*arguments: Any) -> None:
        start = time.perf_counter()
        hook(*arguments)
        board.seconds += time.perf_counter() - start

    return call


if __name__ == "__main__":
    main()
