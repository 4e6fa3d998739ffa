"""`SessionSettings`: what holds in a session for the lines to come."""

import dataclasses
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lyric_lm.data.printable import printable
from lyric_lm.generation.building import build_rules, build_sampler
from lyric_lm.generation.line_spec import LONGEST_LINE, LineSpec
from lyric_lm.settings.config import SamplingConfig

if TYPE_CHECKING:
    from lyric_lm.data import Lyrics, Vocabulary
    from lyric_lm.generation.samplers import Sampler

SAMPLING: dict[str, tuple[str, Callable[[str], Any]]] = {  # /command -> (field of SamplingConfig, its type)
    "temperature": ("temperature", float),
    "top-k": ("top_k", int),
    "top-p": ("top_p", float),
    "penalty": ("repetition_penalty", float),
    "no-repeat": ("no_repeat_ngram", int),
    "max-copy": ("max_copy", int),
}


class SessionSettings:
    """How characters are picked, and what lines must be like.

    Args:
        sampling: the settings to start with.
        training: the text that `/max-copy` keeps from being copied.
        longest: the longest line, in letters.

    Attributes:
        line: what lines must be like.
        rules: what the song must not do.
    """

    def __init__(self, sampling: SamplingConfig, training: "Lyrics", *, longest: int) -> None:
        self._training = training
        self._lengths = 1, min(longest, LONGEST_LINE)
        self.line = LineSpec(self._lengths)
        self._use(sampling)

    @property
    def sampler(self) -> "Sampler":
        """How characters are picked."""
        return build_sampler(self._sampling)  # type: ignore[return-value] # no beam comes here

    def __str__(self) -> str:
        chosen = {k: v for k, v in dataclasses.asdict(self._sampling).items() if v is not None}
        draws = any(name in chosen for name in ("temperature", "top_k", "top_p"))
        parts = [*([] if draws else ["greedy"]), *(f"{name} {value}" for name, value in chosen.items())]
        shortest, longest = self.line.lengths
        lengths = f"lines of {shortest}" + (f" to {longest}" if shortest < longest else "")
        rhymes = "".join(f" that rhyme with {printable(text)}" for text in self.line.rhymes)
        return f"{', '.join(parts)}; {lengths}{rhymes}"

    def set(self, command: str, value: str) -> None:
        """Change how characters are picked.

        Args:
            command: "greedy", or one of `SAMPLING`.
            value: a number; "" or "off" turns it off.

        Raises:
            ValueError: it is no number, or out of range.
        """
        if command == "greedy":
            self._use(dataclasses.replace(self._sampling, temperature=None, top_k=None, top_p=None))
            return
        field, read = SAMPLING[command]
        try:
            number = read(value) if value and value != "off" else None
        except ValueError:
            raise ValueError(f"/{command} takes a number, or nothing to turn it off.") from None
        self._use(dataclasses.replace(self._sampling, **{field: number}))

    def set_rhyme(self, text: str, vocabulary: "Vocabulary") -> None:
        """Let lines rhyme with a text; "off" frees them.

        Raises:
            ValueError: nothing that the model knows rhymes with it.
        """
        line = dataclasses.replace(self.line, rhyme=() if text == "off" else text)
        line.check(vocabulary)
        self.line = line

    def set_length(self, value: str) -> None:
        """Let lines be so long; "off" or "" frees them.

        Raises:
            ValueError: it is no length.
        """
        found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", value)
        if found:
            lengths = int(found[1]), int(found[2] or found[1])
        elif value in ("", "off"):
            lengths = self._lengths
        else:
            raise ValueError("/chars takes a number or two, as in /chars 7 or /chars 5-8, or off.")
        self.line = dataclasses.replace(self.line, length=lengths)

    def _use(self, sampling: SamplingConfig) -> None:
        self.rules = build_rules(sampling, self._training)  # may refuse them
        self._sampling = sampling
