"""The texts of a training: what it learns and what it is validated on, read and cut into batches once."""

import dataclasses
import functools
from collections.abc import Hashable
from typing import Any

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
from lyric_lm.originality.copy_index import CopyIndex
from lyric_lm.runs.kept_texts import kept_texts
from lyric_lm.runs.record import check_corpus, inherited_vocabulary
from lyric_lm.runs.run import Run
from lyric_lm.settings.config import CorpusConfig, TrainConfig
from lyric_lm.training.model_size import check_model_size

# Validation reads long rows, so that few characters are scored right after a zero state, and in pieces short
# enough for the logits to stay small.
_MIN_ROW_LENGTH, _MAX_ROWS, _MAX_STEPS = 500, 64, 256


@dataclasses.dataclass(frozen=True)
class Texts:
    """A training text and, where one is held out, a validation text; their vocabulary is one.

    Trainings that differ in other settings than the text's share it, and with it the batches.
    """

    training: Lyrics
    validation: Lyrics | None = None
    _batches: dict[Hashable, tf.data.Dataset] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def vocabulary(self) -> Vocabulary:
        """The training text's characters and, where there is a validation text, an unknown token."""
        return self.training.vocabulary

    @functools.cached_property
    def copy_index(self) -> CopyIndex:
        """Finds what a sample copies from the training text, or from the end of one not held in memory."""
        return CopyIndex(self.training.held.text)

    @functools.cached_property
    def validation_batches(self) -> tf.data.Dataset | None:
        """What `validation_batches` makes of the validation text; None where nothing is held out."""
        return None if self.validation is None else validation_batches(self.validation.ids)

    def learnt(self, config: CorpusConfig) -> Lyrics:
        """What of the training text is read in an epoch."""
        return self.training.without_repeats() if config.skip_repeats else self.training

    def batches(self, config: TrainConfig) -> tf.data.Dataset:
        """Batches to train on: the chapter's, unless there is an unknown token to learn or `rotate` is on.

        Raises:
            CorpusError: the text is too short for a single batch.
        """
        corpus, optimizer = config.corpus, config.optimizer
        sizes = (optimizer.batch_size, optimizer.num_steps)
        unknown_id = self.vocabulary.unknown_id if corpus.unknown_share else None
        varies = unknown_id is not None or optimizer.rotate
        how = (optimizer.seed, optimizer.rotate, corpus.unknown_share) if varies else ()
        key = (corpus.skip_repeats, sizes, how)
        if key not in self._batches:
            learnt = self.learnt(corpus)
            ids = learnt.ids
            if optimizer.rotate and learnt.songs_apart and ids[0] == ids[-1]:
                ids = ids[1:]  # where the end meets the start, one mark is enough
            self._batches[key] = (
                varied_batches(
                    ids,
                    *sizes,
                    seed=optimizer.seed,
                    rotate=optimizer.rotate,
                    unknown_id=unknown_id,
                    unknown_share=corpus.unknown_share,
                    song_end_id=self.vocabulary.song_end_id,
                )
                if varies
                else consecutive_batches(ids, *sizes)
            )
        return self._batches[key]

    def knowing(self, vocabulary: Vocabulary | None) -> "Texts":
        """The same texts in the ids of a vocabulary that has another's characters too; None adds none."""
        if vocabulary is None:
            return self
        unknown = self.vocabulary.unknown_id is not None or vocabulary.unknown_id is not None
        both = Vocabulary({*self.vocabulary.characters, *vocabulary.characters}, unknown=unknown)
        return Texts(self.training.known_by(both), self.validation and self.validation.known_by(both))

    def check(self, config: TrainConfig) -> None:
        """Refuse settings that these texts, or this machine, cannot be trained with.

        Raises:
            CorpusError: the text is too short for a single batch.
            UnknownCharacterError: a prefix to report holds a character that the text lacks, even where an
                unknown token could stand for it.
            SettingsError: the model would not fit into this machine's memory.
        """
        check_model_size(config, len(self.vocabulary))
        self.batches(config)
        for prefix in config.report.prefixes:
            if missing := self.vocabulary.missing(prefix):
                raise UnknownCharacterError(
                    f"The training text lacks {name_characters(missing)}: choose other prefixes with "
                    "--prefixes, or train on a text that holds it.",
                    characters=missing,
                )


def load_texts(config: TrainConfig) -> Texts:
    """Read a training's texts and check that its settings suit them.

    Raises:
        CorpusError: a text cannot be read, or is too short.
        UnknownCharacterError, SettingsError: as `Texts.check`.
    """
    texts = read_texts(config.corpus)
    texts.check(config)
    return texts


def read_texts(config: CorpusConfig) -> Texts:
    """Read a training's texts.

    Raises:
        CorpusError: a text cannot be read, or its validation part is too short.
    """
    limits: dict[str, Any] = {"min_count": config.min_count, "max_vocabulary": config.max_vocabulary}
    lyrics = load_lyrics(config.corpus, max_chars=config.limit, **limits, **config.reading)
    if config.validation_corpus is not None:
        vocabulary = Vocabulary(lyrics.vocabulary.characters, unknown=True)
        training = lyrics.known_by(vocabulary)
        validation = load_lyrics(config.validation_corpus, vocabulary=vocabulary, **config.reading)
        too_short = f"{config.validation_corpus!r}"
    elif config.validation_split is not None:
        training, validation = lyrics.split(config.validation_split, **limits)
        too_short = f"validation_split={config.validation_split} of {len(lyrics.ids)} characters"
    else:
        return Texts(lyrics)
    if len(validation.ids) < 2:
        raise CorpusError(
            f"The validation text, {too_short}, is too short for one batch: "
            "it needs at least 2 characters; hold out more."
        )
    return Texts(training, validation)


def texts_of(run: Run, corpus: CorpusConfig | None = None) -> Texts:
    """The texts of a run: those that it keeps, else those that its settings name, if they are still the same.

    Args:
        run: the run.
        corpus: where its texts are now; None, or what its settings say, takes those that it keeps.

    Raises:
        CorpusError: the run keeps none, and its files cannot be read.
        RunMismatchError: the run keeps none, and its files hold other texts now.
    """
    record, stored = run.record(), run.settings().corpus
    inherited = inherited_vocabulary(record)
    kept = kept_texts(run) if corpus in (None, stored) else None
    if kept is not None:
        return Texts(*kept).knowing(inherited)
    texts = read_texts(corpus or stored).knowing(inherited)
    check_corpus(record, texts.training, texts.validation)
    return texts


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
