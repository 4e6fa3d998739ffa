"""`SampleWriter`: the samples that show how a model does, written in the same way each time."""

import dataclasses
from collections.abc import Sequence
from typing import TypedDict, Unpack

from lyric_lm.checks import check_at_least_one
from lyric_lm.data import Vocabulary
from lyric_lm.generation.generate import encode_prefix, generate
from lyric_lm.generation.rules import Rule
from lyric_lm.generation.samplers import Beam, Sampler
from lyric_lm.model.rnn_model import RNNModel


class SampleSettings(TypedDict, total=False):
    """What may be said of a `SampleWriter` beside its prefixes."""

    num_chars: int
    sampler: Sampler | Beam | None
    rules: Sequence[Rule]
    seed: int


@dataclasses.dataclass(frozen=True)
class SampleWriter:
    """Continues the same prefixes in the same way, so that what it writes depends on the model alone.

    Raises:
        ValueError: `num_chars` is below 1, or `prefixes` is one text or holds an empty one.
    """

    prefixes: Sequence[str] = ("分开", "不分开")  # texts to continue
    num_chars: int = 50  # characters in a sample, the prefix aside
    sampler: Sampler | Beam | None = None  # how to pick them; None is greedy, the chapter's way
    rules: Sequence[Rule] = ()  # what the samples must not do
    seed: int = 0  # for a sampler that draws

    def __post_init__(self) -> None:
        check_at_least_one(num_chars=self.num_chars)
        if isinstance(self.prefixes, str):
            raise ValueError(f"`prefixes` must be a list of texts. Received: prefixes={self.prefixes!r}")
        if not all(self.prefixes):
            raise ValueError("`prefixes` must hold at least one character each. Received: an empty one")

    @classmethod
    def of(
        cls, prefixes: "Sequence[str] | SampleWriter", **settings: Unpack[SampleSettings]
    ) -> "SampleWriter":
        """One for these prefixes; one that is given already, with these settings changed."""
        if isinstance(prefixes, SampleWriter):
            return dataclasses.replace(prefixes, **settings)
        return cls(prefixes, **settings)

    def check_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Find a prefix that cannot be continued before the first epoch instead of after the 50th.

        Raises:
            UnknownCharacterError: the vocabulary lacks a prefix's character.
        """
        for prefix in self.prefixes:
            encode_prefix(vocabulary, prefix)

    def write(self, model: RNNModel) -> list[str]:
        """A sample for each prefix, which it begins with."""
        return generate(
            model,
            list(self.prefixes),
            self.num_chars,
            sampler=self.sampler,
            rules=self.rules,
            seed=self.seed,
        )
