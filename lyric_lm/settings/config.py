"""Settings of a training: frozen dataclasses whose defaults are the chapter's and whose fields are the flags.

This module imports nothing heavy: the command's help is made from it.
"""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from lyric_lm.checks import (
    check_at_least_one,
    check_positive,
    check_shares,
    check_spacings,
    check_vocabulary_limits,
)
from lyric_lm.settings.field_types import check_field_types

MOST_CHARS = 1_000_000  # to write at once
CHAPTERS_CHARS = 10_000  # that the chapter uses of its corpus
CHAPTERS_CORPORA = ("built-in", "jaychou")
_LEAST_TEMPERATURE = 0.001
_KEYS = {"corpus": "data"}  # what config.json calls a part, where another name than here
LEARNING_RATES = {"sgd": 100.0, "adam": 3e-3, "adamw": 3e-3}  # used where none is given


@dataclasses.dataclass(frozen=True)
class CorpusConfig:
    """The text to learn."""

    # "built-in", "jaychou", or a file, a folder, a zip archive, a pattern, "-" for a pipe; or several
    corpus: str | tuple[str, ...] = "built-in"
    # characters used, from the start; None for all; "chapter": 10,000 of built-in and jaychou, all of others
    max_chars: int | Literal["chapter"] | None = "chapter"
    keep_newlines: bool = False  # learn line breaks too; the chapter turns them into spaces
    encoding: str | None = None  # of the files; None to recognise it
    encoding_errors: Literal["strict", "replace"] = "strict"  # bytes that are no text: refuse, or put U+FFFD
    raw: bool = False  # take files as they stand, with time stamps, headings, rows and marks
    column: str | None = None  # of a table, the column with the words; None: the one named as usual
    field: str | None = None  # of JSON, the field with the words; None: the one named as usual
    # turn all Chinese characters into one script
    script: Literal["simplified", "traditional", "as-is"] = "as-is"
    # learn songs (files, rows, records) joined by empty lines; or each by itself, with its start and end
    songs: Literal["together", "apart"] = "together"
    song_gap: int | None = None  # blank lines in a row that end a song inside a file; None: none do
    min_count: int | None = None  # occurrences of a character in the text; rarer ones are unknown
    max_vocabulary: int | None = None  # characters known, the unknown one included: the commonest
    validation_split: float | None = None  # share of the text to hold out, from its end; None for none
    # a text to validate on instead, named as the corpus is
    validation_corpus: str | tuple[str, ...] | None = None
    skip_repeats: bool = False  # learn each chorus once; what is read often is learnt by heart and copied
    unknown_share: float = 0.5  # with validation: share of the epochs in which a rare character is unknown

    def __post_init__(self) -> None:
        check_at_least_one(max_chars=self.limit, song_gap=self.song_gap)
        check_vocabulary_limits(self.min_count, self.max_vocabulary)
        check_shares(**_fields(self, "unknown_share"))
        if self.validation_split is not None and not 0 < self.validation_split < 1:
            raise ValueError(
                f"`validation_split` must be in (0, 1). Received: validation_split={self.validation_split}"
            )

    @property
    def limit(self) -> int | None:
        """How many characters are used; None for all."""
        if self.max_chars != "chapter":
            return self.max_chars
        return CHAPTERS_CHARS if self.corpus in CHAPTERS_CORPORA else None

    @property
    def reading(self) -> dict[str, Any]:
        """How its files are read: arguments of `load_lyrics`."""
        names = ("keep_newlines", "encoding", "encoding_errors", "raw", "column", "field", "script")
        return _fields(self, *names, "songs", "song_gap")

    @property
    def validates(self) -> bool:
        """Whether some text is held out."""
        return self.validation_split is not None or self.validation_corpus is not None


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The network."""

    cell: Literal["rnn", "gru", "lstm"] = "rnn"  # the recurrent cell
    hidden_size: int = 256  # hidden units of each layer
    num_layers: int = 1  # recurrent layers, one on top of the other
    activation: Literal["tanh", "relu", "sigmoid"] = "tanh"  # of the cell
    embedding_dim: int | None = None  # width of a learnt embedding; None for one-hot characters
    tie_embeddings: bool = False  # let the output layer be the embedding, transposed
    dropout: float = 0.0  # share of units dropped at each layer's input and at the output
    character_dropout: float = 0.0  # share of input characters blanked out
    label_smoothing: float = 0.0  # share of each target's probability spread over all characters

    def __post_init__(self) -> None:
        check_at_least_one(**_fields(self, "hidden_size", "num_layers", "embedding_dim"))
        check_shares(**_fields(self, "dropout", "character_dropout", "label_smoothing"))
        if self.tie_embeddings and self.embedding_dim is None:
            raise ValueError("`tie_embeddings` needs an `embedding_dim`. Received: embedding_dim=None")


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """How it learns."""

    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"  # the update rule
    learning_rate: float | None = None  # at its highest; None: 100 for sgd, 0.003 for the others
    schedule: Literal["constant", "cosine"] = "constant"  # how the learning rate falls
    warmup: float = 0.0  # share of the steps in which the learning rate first rises to its highest
    weight_decay: float = 0.0  # share of the learning rate by which each step shrinks weights; adamw only
    clipping_theta: float = 1e-2  # largest global L2 norm of the gradients
    batch_size: int = 32  # rows of text read side by side
    num_steps: int = 35  # characters of each row in a batch
    rotate: bool = False  # start each epoch somewhere else in the text
    epochs: int = 250  # passes over the text
    patience: int | None = None  # epochs without a better val_perplexity to stop after; None: never stop
    seed: int = 0  # of the initial weights and of all else that is random

    def __post_init__(self) -> None:
        check_at_least_one(**_fields(self, "batch_size", "num_steps", "epochs", "patience"))
        check_positive(**_fields(self, "learning_rate", "clipping_theta"))
        check_shares(**_fields(self, "warmup", "weight_decay"))
        if self.weight_decay and self.optimizer != "adamw":
            raise ValueError(f"`weight_decay` needs optimizer=adamw. Received: optimizer={self.optimizer}")
        if self.warmup and self.schedule != "cosine":
            raise ValueError(f"`warmup` needs schedule=cosine. Received: schedule={self.schedule}")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"`seed` must be in [0, 2**32). Received: seed={self.seed}")


@dataclasses.dataclass(frozen=True)
class ReportConfig:
    """What is shown meanwhile."""

    every: int = 50  # epochs between two reports
    num_chars: int = 50  # characters in a sample, the prefix aside
    prefixes: tuple[str, ...] = ("分开", "不分开")  # what the samples continue
    copied: bool = False  # also say how much of the samples is copied from the text

    def __post_init__(self) -> None:
        check_at_least_one(**_fields(self, "every", "num_chars"))
        check_at_most(self, num_chars=MOST_CHARS)
        if not all(self.prefixes):
            raise ValueError("`prefixes` must hold at least one character each. Received: an empty one")


@dataclasses.dataclass(frozen=True)
class SamplingConfig:
    """How characters are picked; where nothing is said, always the likeliest (greedy), as in the chapter."""

    temperature: float | None = None  # draw at random; below 1 safer, above 1 more surprising
    top_k: int | None = None  # draw from this many of the likeliest only
    # draw from the fewest likeliest that together have this probability; of those of --top-k, if given
    top_p: float | None = None
    beam_width: int | None = None  # search the likeliest continuation as a whole, this many at a time
    repetition_penalty: float | None = None  # make characters used before less likely; 1.2 is usual
    no_repeat_ngram: int | None = None  # never write the same N characters in a row twice
    max_copy: int | None = None  # never copy more than N characters in a row from the training text

    def __post_init__(self) -> None:
        check_at_least_one(
            **_fields(self, "top_k", "beam_width", "repetition_penalty", "no_repeat_ngram", "max_copy")
        )
        check_at_most(self, top_k=MOST_CHARS, beam_width=1000, no_repeat_ngram=1000, max_copy=1000)
        check_positive(**_fields(self, "repetition_penalty"))
        if self.temperature is not None:
            check_temperature(self.temperature)
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"`top_p` must be in (0, 1]. Received: top_p={self.top_p}")
        drawing = ("top_k", "top_p", "temperature")
        chosen = ["beam_width", *(name for name in drawing if getattr(self, name) is not None)]
        if self.beam_width is not None and len(chosen) > 1:
            raise ValueError(f"Give only one of `{'`, `'.join(chosen)}`")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Everything that a training depends on."""

    corpus: CorpusConfig = dataclasses.field(default_factory=CorpusConfig)
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    optimizer: OptimizerConfig = dataclasses.field(default_factory=OptimizerConfig)
    report: ReportConfig = dataclasses.field(default_factory=ReportConfig)
    sampling: SamplingConfig = dataclasses.field(default_factory=SamplingConfig)

    def __post_init__(self) -> None:
        if self.optimizer.patience is not None and not self.corpus.validates:
            raise ValueError(
                "`patience` needs a text to validate on: give `validation_split` too, or set it to None"
            )

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary, as config.json holds it."""
        return {_KEYS.get(name, name): part for name, part in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> "TrainConfig":
        """The inverse of `to_dict`, also after a round trip through JSON.

        Raises:
            ValueError: a name is not a setting, or a value is of another type or out of range.
        """
        parts = {}
        for field in dataclasses.fields(cls):
            part: Any = field.default_factory
            values = dict(settings.get(_KEYS.get(field.name, field.name), {}))
            for name, value in values.items():
                values[name] = tuple(value) if isinstance(value, list) else value  # JSON has no tuples
            check_field_types(part, values)
            parts[field.name] = part(**values)
        return cls(**parts)


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Where the run is kept."""

    run_dir: Path | None = None  # a new or empty folder; None: runs/<date and time>
    overwrite: bool = False  # replace the run that the folder holds
    resume: bool = False  # go on with the run that the folder holds, from its newest checkpoint
    checkpoint_every: int = 10  # epochs between two checkpoints, from which --resume goes on

    def __post_init__(self) -> None:
        check_at_least_one(**_fields(self, "checkpoint_every"))
        if self.resume and self.overwrite:
            raise ValueError("Give either `resume` or `overwrite`, not both")
        if self.resume and self.run_dir is None:
            raise ValueError("`resume` needs `run_dir`, the folder of the run. Received: run_dir=None")


@dataclasses.dataclass(frozen=True)
class DashboardConfig:
    """What TensorBoard shows of the run."""

    tensorboard: bool = True  # write its logs, in the run's folder tensorboard
    # epochs between two samples; auto: about twelve in a training; None for none
    samples_every: int | Literal["auto"] | None = "auto"
    # epochs between two histograms of weights and state; auto: about ten in a training; None for none
    histograms_every: int | Literal["auto"] | None = "auto"
    profile_epoch: int | None = None  # the epoch to profile, best not the first; needs xprof to be shown

    def __post_init__(self) -> None:
        check_spacings(samples_every=self.samples_every, histograms_every=self.histograms_every)
        check_at_least_one(profile_epoch=self.profile_epoch)


def check_at_most(config: Any, **limits: int) -> None:
    """Refuse a number so large that memory would run out.

    Raises:
        ValueError: one of the fields named is above its limit.
    """
    for name, limit in limits.items():
        value = getattr(config, name)
        if value is not None and value > limit:
            raise ValueError(f"`{name}` must be at most {limit}. Received: {name}={value}")


def check_temperature(temperature: float) -> None:
    """Refuse a temperature that is not positive, or so low that logits divided by it overflow.

    Raises:
        ValueError: it is below 0.001, infinite or not a number.
    """
    if not 0 < temperature < float("inf"):
        raise ValueError(f"`temperature` must be positive. Received: temperature={temperature}")
    if temperature < _LEAST_TEMPERATURE:
        raise ValueError(
            f"`temperature` must be at least {_LEAST_TEMPERATURE}; without one the likeliest character is "
            f"taken. Received: temperature={temperature}"
        )


def _fields(config: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(config, name) for name in names}
