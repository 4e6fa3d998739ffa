"""`generalize`: settings for new lyrics instead of copies, chosen by the length of the text.

The chapter's settings learn a text by heart; these are judged by the perplexity of a part held out. What each
ingredient contributes is measured by tests/benchmarks/recipe.py. Sources: tied embeddings, Press & Wolf
(2017); one dropout mask for all steps, Gal & Ghahramani (2016); whole characters dropped, Iyyer et al.
(2015); label smoothing, Szegedy et al. (2016); the cosine and AdamW, Loshchilov & Hutter (2017 and 2019);
windows that differ from epoch to epoch, Merity et al. (2018); repeats left out, Lee et al. (2022).
"""

import dataclasses

from lyric_lm.checks import check_at_least_one
from lyric_lm.settings.config import (
    CorpusConfig,
    ModelConfig,
    OptimizerConfig,
    ReportConfig,
    SamplingConfig,
    TrainConfig,
)

_FEWEST_EPOCHS, _MOST_EPOCHS = 3, 60
_FINE_RATE, _FINE_CHARS_READ, _MOST_FINE_EPOCHS = 4e-3, 300_000, 20
_FEWEST_BATCHES = 4  # in an epoch; a text too short for that has fewer rows


@dataclasses.dataclass(frozen=True)
class _Sizes:
    """What depends on the text's length: a short text is overfitted, a long one needs capacity."""

    max_chars: float  # for training texts of up to so many characters
    hidden_size: int
    embedding_dim: int
    dropout: float
    character_dropout: float
    label_smoothing: float
    learning_rate: float
    batch_size: int
    num_steps: int
    chars_read: int  # over all epochs, if the fewest and the most allow


_SIZES = (
    _Sizes(60_000, 256, 256, 0.65, 0.1, 0.1, 8e-3, 20, 35, 1_000_000),  # tuned on the Jay Chou corpus
    _Sizes(500_000, 384, 192, 0.3, 0.05, 0.05, 1e-2, 32, 50, 2_000_000),  # on 95,000 to 300,000 of verse
    _Sizes(float("inf"), 384, 128, 0.1, 0.0, 0.0, 1.5e-2, 50, 64, 3_000_000),  # on a million of verse
)


def generalize(
    num_chars: int, *, corpus: CorpusConfig | None = None, report: ReportConfig | None = None
) -> TrainConfig:
    """Settings for a text of so many characters; `dataclasses.replace` changes any of them.

    Args:
        num_chars: length of the training text, validation part and repeats aside, >= 1.
        corpus: the text; None is the built-in corpus as a whole, its last tenth held out.
        report: what is shown meanwhile; None is the chapter's prefixes every ten epochs.

    Returns:
        Settings for `lyric_lm.training.train.train`.

    Raises:
        ValueError: `num_chars` is below 1.

    >>> config = generalize(57_000)
    >>> config.model.cell, config.model.hidden_size, config.optimizer.epochs, config.corpus.validation_split
    ('gru', 256, 18, 0.1)
    """
    check_at_least_one(num_chars=num_chars)
    sizes = next(sizes for sizes in _SIZES if num_chars <= sizes.max_chars)
    return TrainConfig(
        corpus=corpus or CorpusConfig(max_chars=None, validation_split=0.1, skip_repeats=True),
        model=ModelConfig(
            cell="gru",
            hidden_size=sizes.hidden_size,
            embedding_dim=sizes.embedding_dim,
            tie_embeddings=True,
            dropout=sizes.dropout,
            character_dropout=sizes.character_dropout,
            label_smoothing=sizes.label_smoothing,
        ),
        optimizer=OptimizerConfig(
            optimizer="adamw",
            learning_rate=sizes.learning_rate,
            schedule="cosine",
            warmup=0.1,
            weight_decay=0.02,
            clipping_theta=1.0,
            batch_size=max(1, min(sizes.batch_size, num_chars // (_FEWEST_BATCHES * (sizes.num_steps + 1)))),
            num_steps=sizes.num_steps,
            rotate=True,
            epochs=max(_FEWEST_EPOCHS, min(_MOST_EPOCHS, round(sizes.chars_read / num_chars))),
            patience=20,
        ),
        report=report or ReportConfig(every=10),
        sampling=SamplingConfig(temperature=0.8, no_repeat_ngram=4),  # greedily it loops
    )


def fine_tune(earlier: TrainConfig, num_chars: int) -> TrainConfig:
    """Settings for a training that goes on from an earlier one, on a text of so many characters.

    The network is the earlier one's. How it learns was chosen on held-out text of the built-in lyrics, going
    on from models of the Jay Chou corpus: tests/benchmarks/fine_tuning.py.

    Args:
        earlier: the settings of the training to go on from, with the new text's in `corpus`.
        num_chars: length of the training text, validation part and repeats aside, >= 1.

    >>> config = fine_tune(generalize(57_000), 16_000)
    >>> config.model.hidden_size, config.optimizer.learning_rate, config.optimizer.epochs
    (256, 0.004, 19)
    """
    fresh = generalize(num_chars)
    shares = {
        name: getattr(fresh.model, name) for name in ("dropout", "character_dropout", "label_smoothing")
    }
    corpus = dataclasses.replace(
        earlier.corpus,
        max_chars=None,
        skip_repeats=True,
        validation_split=None if earlier.corpus.validation_corpus else earlier.corpus.validation_split or 0.1,
    )
    optimizer = dataclasses.replace(
        fresh.optimizer,
        learning_rate=_FINE_RATE,
        epochs=max(_FEWEST_EPOCHS, min(_MOST_FINE_EPOCHS, round(_FINE_CHARS_READ / num_chars))),
        seed=earlier.optimizer.seed,
    )
    return dataclasses.replace(
        earlier,
        corpus=corpus,
        model=dataclasses.replace(earlier.model, **shares),
        optimizer=optimizer,
        sampling=fresh.sampling,
    )
