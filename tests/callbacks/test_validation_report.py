"""What is printed of the text held out."""

import keras
import pytest

from lyric_lm.callbacks import ValidationReport
from lyric_lm.data import Vocabulary, consecutive_batches
from lyric_lm.model.rnn_model import RNNModel


def test_it_prints_every_so_many_epochs_and_the_best_at_the_end() -> None:
    lines: list[str] = []
    report = ValidationReport(every=2, write=lines.append)
    report.on_train_begin()
    for epoch, perplexity in enumerate([9.0, 5.04, 5.0, 6.0, 7.0]):
        report.on_epoch_end(epoch, {"perplexity": 1.0, "val_perplexity": perplexity})
    report.on_train_end()
    assert lines == [
        "epoch 2, validation perplexity 5.0, best 5.0 in epoch 2",
        "epoch 4, validation perplexity 6.0, best 5.0 in epoch 3",
        "best validation perplexity 5.0 in epoch 3 of 5",
    ]


def test_in_a_real_fit_its_best_is_the_historys_and_a_second_fit_starts_anew() -> None:
    lines: list[str] = []
    keras.utils.set_random_seed(1)
    model = RNNModel(keras.layers.SimpleRNNCell(4), Vocabulary("abcde"))
    model.compile(keras.optimizers.SGD(1.0))
    batches = consecutive_batches([0, 1, 2, 3, 4] * 6, batch_size=2, num_steps=3)
    report = ValidationReport(every=7, write=lines.append)
    for epochs in (3, 2):
        lines.clear()
        history = model.fit(
            batches, validation_data=batches, epochs=epochs, verbose=0, callbacks=[report]
        ).history["val_perplexity"]
        best = min(history)
        expected = f"best validation perplexity {best:.1f} in epoch {history.index(best) + 1} of {epochs}"
        assert lines == [expected]


def test_without_validation_it_says_nothing() -> None:
    lines: list[str] = []
    report = ValidationReport(every=1, write=lines.append)
    report.on_train_begin()
    report.on_epoch_end(0, {"perplexity": 2.0})
    report.on_train_end()
    assert lines == []


def test_a_period_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`every` must be at least 1\. Received: every=0"):
        ValidationReport(every=0)
