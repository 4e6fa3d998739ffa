"""The texts of a training: what it learns and what it is validated on."""

import dataclasses

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from lyric_lm.data import (
    CorpusError,
    Lyrics,
    UnknownCharacterError,
    Vocabulary,
    consecutive_batches,
    load_lyrics,
    name_characters,
    varied_batches,
)
from lyric_lm.settings.config import CorpusConfig, OptimizerConfig

# Validation reads long rows, so that few characters are scored right after a zero state, and in pieces short
# enough for the logits to stay small.
_MIN_ROW_LENGTH, _MAX_ROWS, _MAX_STEPS = 500, 64, 256


@dataclasses.dataclass(frozen=True)
class Texts:
    """A training text and, where one is held out, a validation text; their vocabulary is one."""

    training: Lyrics
    validation: Lyrics | None

    @property
    def vocabulary(self) -> Vocabulary:
        """The training text's characters and, where there is a validation text, an unknown token."""
        return self.training.vocabulary


def load_texts(config: CorpusConfig) -> Texts:
    """Read what a training needs.

    Raises:
        CorpusError: a text cannot be read, or its validation part is too short.
    """
    lyrics = load_lyrics(
        config.corpus,
        max_chars=config.max_chars,
        keep_newlines=config.keep_newlines,
        encoding=config.encoding,
    )
    if config.validation_corpus is not None:
        vocabulary = Vocabulary.from_text(lyrics.text, unknown=True)
        training = dataclasses.replace(lyrics, vocabulary=vocabulary, ids=vocabulary.encode(lyrics.text))
        validation = load_lyrics(
            config.validation_corpus,
            keep_newlines=config.keep_newlines,
            encoding=config.encoding,
            vocabulary=vocabulary,
        )
        too_short = f"{config.validation_corpus!r}"
    elif config.validation_split is not None:
        training, validation = lyrics.split(config.validation_split)
        too_short = f"validation_split={config.validation_split} of {len(lyrics.text)} characters"
    else:
        return Texts(lyrics, None)
    if len(validation.text) < 2:
        raise CorpusError(
            f"The validation text, {too_short}, is too short for one batch: "
            "it needs at least 2 characters; hold out more."
        )
    return Texts(training, validation)


def check_prefixes(prefixes: tuple[str, ...], vocabulary: Vocabulary) -> None:
    """Refuse a prefix that the model could not go on from, also where there is an unknown token.

    Raises:
        UnknownCharacterError: a prefix holds a character that the training text lacks.
    """
    for prefix in prefixes:
        if missing := vocabulary.missing(prefix):
            raise UnknownCharacterError(
                f"The training text lacks {name_characters(missing)}: choose other prefixes with --prefixes, "
                "or train on a text that holds it.",
                characters=missing,
            )


def learnt_text(training: Lyrics, config: CorpusConfig) -> Lyrics:
    """What of the training text is read in an epoch."""
    return training.without_repeats() if config.skip_repeats else training


def training_batches(
    training: Lyrics, config: OptimizerConfig, data: CorpusConfig | None = None
) -> tf.data.Dataset:
    """Batches to train on: the chapter's, unless there is an unknown token to learn or `rotate` is on.

    Args:
        training: the whole training text.
        config: sizes of the batches, seed and `rotate`.
        data: what to leave out and what to make unknown; None is the default.

    Raises:
        CorpusError: the text is too short for a single batch.
    """
    data = data or CorpusConfig()
    ids = learnt_text(training, data).ids
    unknown_id = training.vocabulary.unknown_id if data.unknown_share else None
    if unknown_id is None and not config.rotate:
        return consecutive_batches(ids, config.batch_size, config.num_steps)
    return varied_batches(
        ids,
        config.batch_size,
        config.num_steps,
        seed=config.seed,
        rotate=config.rotate,
        unknown_id=unknown_id,
        unknown_share=data.unknown_share,
    )


def validation_batches(ids: npt.ArrayLike) -> tf.data.Dataset:
    """Batches to validate on during a training, whatever the sizes of the training's own batches.

    Long rows, each from a zero state, that leave out fewer than 1 % of the targets. `lyric_lm.evaluation`
    scores every target, with the state that the text before it leaves behind.

    Args:
        ids: integers `(N,)`, N >= 2.

    Returns:
        Pairs `(ids, next_ids)`, both int32 `(B, T)`.

    >>> batches = validation_batches(np.arange(6_328))
    >>> int(batches.cardinality()), batches.element_spec[0].shape.as_list()
    (3, [12, 175])
    """
    num_ids = len(np.asarray(ids))
    rows = max(1, min(_MAX_ROWS, num_ids // _MIN_ROW_LENGTH))
    num_targets = num_ids // rows - 1  # of a row
    num_batches = -(-num_targets // _MAX_STEPS)
    return consecutive_batches(ids, rows, num_targets // num_batches)
