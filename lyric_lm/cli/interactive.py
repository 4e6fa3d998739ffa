"""`lyric-lm generate --interactive`: type a line, get the next."""

import dataclasses
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lyric_lm.data.printable import printable
from lyric_lm.errors import LyricLMError
from lyric_lm.generation.building import build_rules, build_sampler
from lyric_lm.generation.generate import stream
from lyric_lm.settings.config import MOST_CHARS, SamplingConfig

if TYPE_CHECKING:
    from lyric_lm.data import Lyrics
    from lyric_lm.model.rnn_model import RNNModel

# /command -> (field of SamplingConfig, its type)
_SETTINGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "temperature": ("temperature", float),
    "top-k": ("top_k", int),
    "top-p": ("top_p", float),
    "penalty": ("repetition_penalty", float),
    "no-repeat": ("no_repeat_ngram", int),
    "max-copy": ("max_copy", int),
}
_HELP = """Type a line; the model writes the next. An empty line lets it write on.
/temperature X  /top-k N  /top-p X  /penalty X  /no-repeat N  /max-copy N
                without a value: off          /greedy    all of them off
/length N       longest line, in characters   /settings  what holds now
/undo           take back the last exchange   /show      the text so far
/save [FILE]    append the text so far        /new       start afresh
/help           this                          /quit      or Ctrl-D"""


@dataclasses.dataclass(frozen=True)
class _Exchange:
    """The text after an exchange, and its ids as the rules see them: -1 for what was typed."""

    text: str = ""
    history: tuple[int, ...] = ()

    def typed(self, text: str) -> "_Exchange":
        return _Exchange(self.text + text, self.history + (-1,) * len(text))

    def written(self, text: str, ids: Iterable[int]) -> "_Exchange":
        return _Exchange(self.text + text, self.history + tuple(ids))


class Session:
    """One conversation with a model.

    Args:
        model: the model.
        training: its training text, which `/max-copy` keeps from being copied.
        sampling: the settings to start with.
        num_chars: longest line to write, in characters.
        fit: brings what was typed into the model's characters, or raises.
        seed: the same seed and the same input give the same text; None draws one.
        liked: where `/save` writes to when it names no file.
    """

    def __init__(
        self,
        model: "RNNModel",
        training: "Lyrics",
        sampling: SamplingConfig,
        *,
        num_chars: int,
        fit: Callable[[str], str],
        seed: int | None,
        liked: Path,
    ) -> None:
        self._model = model
        self._training = training
        self._sampling = sampling
        self._num_chars = num_chars
        self._liked = liked
        self._fit = fit
        self._random = np.random.default_rng(seed)
        self._separator = next((end for end in "\n " if end in model.vocabulary), "")
        self._exchanges = [_Exchange()]
        self._rules = build_rules(sampling, training)
        self._commands: dict[str, Callable[[str], None]] = {
            "help": lambda _: print(_HELP),
            "greedy": lambda _: self._use(SamplingConfig()),
            "length": self._set_length,
            "settings": lambda _: self._show_settings(),
            "undo": lambda _: self._undo(),
            "show": lambda _: print(printable(self._exchanges[-1].text)),
            "new": lambda _: self._exchanges.append(_Exchange()),
            "save": self._save,
        }

    def run(self) -> None:
        """Read lines until `/quit` or the end of the input."""
        print(_HELP)
        if self._separator != "\n":
            end = "at a space" if self._separator else "only at their longest"
            print(f"This model has learnt no line ends (train with --keep-newlines): its lines end {end}.")
        while True:
            try:
                line = input("> ").strip("\r\n")
            except EOFError:
                print()
                return
            if line.strip() in ("/quit", "/exit"):
                return
            try:
                self._answer(line)
            except KeyboardInterrupt:
                print("\n(stopped; this line is not kept)")
            except (LyricLMError, ValueError) as error:
                print(printable(str(error)))

    def _answer(self, line: str) -> None:
        if not line.startswith("/"):
            self._write_next(line)
            return
        name, _, value = line[1:].partition(" ")
        if name in _SETTINGS:
            self._set(name, value.strip())
        elif name in self._commands:
            self._commands[name](value.strip())
        else:
            print(f"There is no /{printable(name)}; /help lists the commands.")

    def _write_next(self, line: str) -> None:
        exchange = self._exchanges[-1]
        if line:
            cut = exchange.text and not exchange.text.endswith(self._separator)  # at the longest length
            exchange = exchange.typed((self._separator if cut else "") + self._fit(line) + self._separator)
        if not exchange.text:
            print("Type a line first; the model continues it.")
            return
        pieces = stream(
            self._model,
            exchange.text,
            self._num_chars,
            sampler=build_sampler(self._sampling),  # type: ignore[arg-type] # no beam comes here
            rules=self._rules,
            seed=int(self._random.integers(1 << 32)),
            history=exchange.history,
        )
        written = ""
        for piece in pieces:
            shown, written = len(written), written + piece
            end = self._line_end(written)
            print(printable(written[shown:end]), end="", flush=True)
            if end is not None:
                written = written[: end + 1]
                break
        print()
        self._exchanges.append(exchange.written(written, self._model.vocabulary.encode(written)))

    def _line_end(self, written: str) -> int | None:
        """Where the first line that is not empty ends; None if it is not yet known."""
        first = len(written) - len(written.lstrip(self._separator))
        end = written.find(self._separator, first) if self._separator else -1
        return None if end < 0 else end

    def _set(self, name: str, value: str) -> None:
        field, read = _SETTINGS[name]
        try:
            number = read(value) if value and value != "off" else None
        except ValueError:
            raise ValueError(f"/{name} takes a number, or nothing to turn it off.") from None
        changes = {field: number}
        if field in ("top_k", "top_p") and number is not None:
            changes = {"top_k": None, "top_p": None, **changes}
        self._use(dataclasses.replace(self._sampling, **changes))

    def _use(self, sampling: SamplingConfig) -> None:
        self._rules = build_rules(sampling, self._training)
        self._sampling = sampling
        self._show_settings()

    def _show_settings(self) -> None:
        chosen = {k: v for k, v in dataclasses.asdict(self._sampling).items() if v is not None}
        print(", ".join(f"{name} {value}" for name, value in chosen.items()) or "greedy", end="")
        print(f"; lines of up to {self._num_chars} characters")

    def _set_length(self, value: str) -> None:
        if not value.isdecimal() or not int(value):
            raise ValueError("/length takes a number of characters, at least 1.")
        if int(value) > MOST_CHARS:
            raise ValueError(f"/length takes at most {MOST_CHARS} characters.")
        self._num_chars = int(value)

    def _undo(self) -> None:
        if len(self._exchanges) > 1:
            self._exchanges.pop()
        print(printable(self._exchanges[-1].text) or "(nothing left)")

    def _save(self, value: str) -> None:
        path = Path(value) if value else self._liked
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(self._exchanges[-1].text.strip() + "\n\n")
        except OSError as error:
            print(f"Cannot write {path} ({error.strerror}): name another file.", file=sys.stderr)
            return
        print(f"Saved to {path}.")
