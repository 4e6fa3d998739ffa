from typing import Any

import pytest
import tyro

from lyric_lm.cli.train import Train
from lyric_lm.cli.tune import Tune
from lyric_lm.settings.config import CorpusConfig, ModelConfig, OptimizerConfig, ReportConfig, TrainConfig
from lyric_lm.settings.flags import flag, flags_of, train_command
from lyric_lm.settings.search import SearchConfig, SearchRunConfig, ServiceConfig

PLAIN = (tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)


def parse(command: Any, words: list[str]) -> Any:
    return tyro.cli(command, args=words, config=PLAIN)


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(),
        TrainConfig(
            corpus=CorpusConfig(corpus="a folder/词.txt", max_chars=None, keep_newlines=True),
            model=ModelConfig(cell="gru", embedding_dim=8, tie_embeddings=True, dropout=0.25),
            optimizer=OptimizerConfig(optimizer="adam", learning_rate=0.1 + 0.2, clipping_theta=1e-7, seed=9),
            report=ReportConfig(prefixes=("分开", "it's"), every=3),
        ),
    ],
)
def test_a_training_s_flags_make_the_same_settings_again(config: TrainConfig) -> None:
    assert parse(Train, flags_of(config)).config == config


def test_a_search_s_flags_make_the_same_search_again() -> None:
    parts = (
        SearchConfig(tuner="grid", pruning=False, objective="loss"),
        SearchRunConfig(keep_checkpoints=True),
    )
    values = flag("learning_rate", (1.5, 2.5)) + flag("cell", ("rnn", "lstm")) + flag("dropout", (0.0,))
    tune = parse(Tune, [*flags_of(*parts, ServiceConfig(worker_timeout=2.5)), *values])
    assert (tune.search_config, tune.run_config) == parts
    assert tune.service == ServiceConfig(worker_timeout=2.5)
    assert (tune.values.learning_rate, tune.values.cell) == ((1.5, 2.5), ("rnn", "lstm"))
    assert (tune.values.dropout, tune.values.hidden_size) == ((0.0,), (64, 128, 256, 512))


def test_the_command_line_is_quoted_for_a_shell() -> None:
    config = TrainConfig(corpus=CorpusConfig(corpus="my songs.txt"))
    assert (
        train_command(config, run_dir="runs/x") == "lyric-lm train --corpus 'my songs.txt' --run-dir runs/x"
    )
