"""The session of `generate --interactive` and `write --interactive`: write a song together with a model."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lyric_lm.cli.given_run import fitted
from lyric_lm.cli.prompt import line_reader
from lyric_lm.cli.session_settings import SAMPLING, SessionSettings
from lyric_lm.cli.song_draft import DraftLine, SongDraft
from lyric_lm.data.printable import printable
from lyric_lm.errors import LyricLMError
from lyric_lm.generation.candidate_lines import Candidates, candidates
from lyric_lm.generation.line_ends import line_end
from lyric_lm.generation.line_spec import LONGEST_LINE
from lyric_lm.settings.config import SamplingConfig

if TYPE_CHECKING:
    from lyric_lm.data import Lyrics
    from lyric_lm.model.rnn_model import RNNModel

_MOST_OFFERED = 100
_SIFTED = 6  # best lines of which the model's is one: the very best again and again would be dull
_HELP = """Type a line; the model writes the next. An empty line lets it write on.
/more 8           eight lines to choose from; then type a number to take one
/again            write the last line anew; /again 3 the third; /again all: each of the model's
/lock 3           keep the third line from that; once more lets it go
/rhyme 光         rhyme with 光; /rhyme alone: with the line before; /rhyme off
/chars 7          lines of seven characters, or /chars 5-8; /chars off
/show             the song so far, your lines and the model's told apart
/undo             take back the last change
/save song.txt    put the song at the end of a file; /save alone: of the run's liked.txt
/new              begin another song
/temperature 0.8  how bold: also /top-k 20  /top-p 0.9  /penalty 1.2  /no-repeat 4  /max-copy 8
                  without a value: off; /greedy: no drawing at all; /settings: what holds now
/help             this; /quit or Ctrl-D ends. What is not saved is kept, whatever happens."""


class Session:
    """One song after another, written by a person and a model in turn.

    Args:
        model: the model.
        training: its training text, which `/max-copy` keeps from being copied.
        sampling: the settings to start with.
        longest: the longest line to write, in letters.
        strict: whether a typed character that the model does not know is refused.
        seed: the same seed and the same input give the same text; None draws one.
        liked: where `/save` writes to when it names no file; unsaved songs are kept beside it.
        read: reads a line; None reads from the terminal, or from what is piped in.
    """

    def __init__(
        self,
        model: "RNNModel",
        training: "Lyrics",
        sampling: SamplingConfig,
        *,
        longest: int = LONGEST_LINE,
        strict: bool = False,
        seed: int | None,
        liked: Path,
        read: Callable[[], str] | None = None,
    ) -> None:
        self._model = model
        self._strict = strict
        self._random = np.random.default_rng(seed)
        self._liked = liked
        self._read = read or line_reader(liked.with_name("typed.txt"))
        self._end = line_end(model.vocabulary)
        self._settings = SessionSettings(sampling, training, longest=longest)
        self._draft = SongDraft(liked.with_name("unsaved"))
        self._offered: list[str] = []  # by the last /more
        self._passed: set[str] = set()  # by /again
        self._commands: dict[str, Callable[[str], None]] = {
            "again": self._again,
            "chars": self._set_chars,
            "greedy": lambda _: self._set("greedy", ""),
            "help": lambda _: print(_HELP),
            "lock": self._lock,
            "more": self._more,
            "new": lambda _: self._begin(),
            "rhyme": self._set_rhyme,
            "save": self._save,
            "settings": lambda _: print(self._settings),
            "show": lambda _: self._show(),
            "undo": lambda _: self._undo(),
        }

    def run(self) -> None:
        """Read lines until `/quit` or the end of the input."""
        print(_HELP)
        if self._end != "\n":
            end = "at a space" if self._end else "only at their longest"
            print(f"This model has learnt no line ends (train with --keep-newlines): its lines end {end}.")
        try:
            while True:
                try:
                    line = self._read().strip("\r\n")
                except EOFError:
                    print()
                    return
                if line.strip() in ("/quit", "/exit"):
                    return
                try:
                    self._answer(line)
                except KeyboardInterrupt:
                    print("\n(stopped)")
                except (LyricLMError, ValueError) as error:
                    print(printable(str(error)))
        finally:
            if self._draft.kept_in is not None:
                print(f"Not saved, so kept in {printable(str(self._draft.kept_in))}.")

    def _answer(self, line: str) -> None:
        name, _, value = line[1:].partition(" ")
        if not line.startswith("/"):
            if self._offered and line.strip().isdecimal():
                self._take(int(line))
            else:
                self._write_next(line)
        elif name in SAMPLING:
            self._set(name, value.strip())
        elif name in self._commands:
            self._commands[name](value.strip())
        else:
            print(f"There is no /{printable(name)}; /help lists the commands.")

    # ------------------------------------------------------------------ lines

    def _write_next(self, typed: str) -> None:
        lines = self._draft.lines
        if typed.strip():
            text = fitted(typed, self._model.vocabulary, strict=self._strict).strip()
            lines = (*lines, DraftLine(text, "you"))
            self._draft.change(lines)  # kept before the model begins
        if not lines and not self._end:
            print("Type a line first; the model continues it.")
            return
        self._offered, self._passed = [], set()
        new = self._one(lines)
        if new is None:
            print("The model has no line like that; /temperature 1 makes it bolder.")
            return
        print(printable(new.text))
        self._draft.change((*lines, new))

    def _one(self, before: tuple[DraftLine, ...]) -> DraftLine | None:
        """One of the best lines that may follow, other than those passed; None where there is none."""
        found = [line.text for line in self._offer(before, _SIFTED + len(self._passed))]
        new = [text for text in found if text not in self._passed][:_SIFTED]
        return DraftLine(new[self._random.integers(len(new))], "model") if new else None

    def _offer(self, before: tuple[DraftLine, ...], count: int) -> Candidates:
        """Lines that may follow."""
        encode = self._model.vocabulary.encode
        history = [encode(f"{line.text}{self._end}") for line in before]
        ids = [
            own if line.by == "model" else np.full_like(own, -1)
            for own, line in zip(history, before, strict=True)
        ]
        return candidates(
            self._model,
            "".join(f"{line.text}{self._end}" for line in before),
            count=count,
            line=self._settings.line,
            sampler=self._settings.sampler,
            rules=self._settings.rules,
            budget=512,
            history=np.concatenate(ids) if ids else (),
            seed=int(self._random.integers(1 << 32)),
        )

    def _more(self, value: str) -> None:
        count = _number(value or "8", "/more", _MOST_OFFERED)
        found = self._offer(self._draft.lines, count)
        self._offered = [line.text for line in found]
        for i, line in enumerate(found, start=1):
            print(f"{i:3}  {printable(line.text)}  ({line.bits:.1f} bits a character)")
        print(str(found) or "Type a number to take one, or a line of your own.")

    def _take(self, number: int) -> None:
        if not 1 <= number <= len(self._offered):
            raise ValueError(f"There are lines 1 to {len(self._offered)}; /more offers others.")
        text = self._offered[number - 1]
        self._offered, self._passed = [], set()
        print(printable(text))
        self._draft.change((*self._draft.lines, DraftLine(text, "model")))

    def _again(self, value: str) -> None:
        lines = list(self._draft.lines)
        if value == "all":
            places = [i for i, line in enumerate(lines) if line.by == "model" and not line.locked]
        else:
            places = [self._place(value)]
            if lines[places[0]].by == "you":
                raise ValueError(f"Line {places[0] + 1} is yours; /again is for the model's lines.")
            if lines[places[0]].locked:
                raise ValueError(f"Line {places[0] + 1} is locked; /lock {places[0] + 1} lets it go.")
        for place in places:
            self._passed.add(lines[place].text)
            new = self._one(tuple(lines[:place]))
            if new is None:
                print(f"The model has no other line {place + 1} like that; /temperature 1 makes it bolder.")
                continue
            lines[place] = new
            print(printable(new.text))
        if tuple(lines) != self._draft.lines:
            self._draft.change(tuple(lines))

    def _lock(self, value: str) -> None:
        place, lines = self._place(value), list(self._draft.lines)
        lines[place] = dataclasses.replace(lines[place], locked=not lines[place].locked)
        self._draft.change(tuple(lines))
        print(f"Line {place + 1} is {'locked' if lines[place].locked else 'free again'}.")

    def _place(self, value: str) -> int:
        lines = self._draft.lines
        if not lines:
            raise ValueError("There is no line yet.")
        place = _number(value or str(len(lines)), "The number of a line", len(lines))
        return place - 1

    # ------------------------------------------------------------------ the song

    def _show(self) -> None:
        for i, line in enumerate(self._draft.lines, start=1):
            print(f"{i:3}  {line.by:5}  {printable(line.text)}{'  (locked)' if line.locked else ''}")
        if not self._draft.lines:
            print("(nothing yet)")

    def _undo(self) -> None:
        self._draft.undo()
        self._offered = []
        self._show()

    def _begin(self) -> None:
        kept = self._draft.begin()
        self._offered, self._passed = [], set()
        print("A new song." + (f" The other is kept in {printable(str(kept))}." if kept else ""))

    def _save(self, value: str) -> None:
        path = Path(value).expanduser() if value else self._liked
        try:
            written = self._draft.save(path)
        except (OSError, UnicodeError) as error:
            print(f"Cannot write {printable(str(path))} ({error}): name another file.", file=sys.stderr)
            return
        name = printable(str(path))
        nothing = "There is nothing to save." if not self._draft.lines else f"{name} has it already."
        print(f"Saved to {name}." if written else nothing)

    def _set(self, name: str, value: str) -> None:
        self._settings.set(name, value)
        print(self._settings)

    def _set_rhyme(self, value: str) -> None:
        if not value and not self._draft.lines:
            raise ValueError("There is no line before to rhyme with: name a word, as in /rhyme 光.")
        self._settings.set_rhyme(value or self._draft.lines[-1].text, self._model.vocabulary)
        print(self._settings)

    def _set_chars(self, value: str) -> None:
        self._settings.set_length(value)
        print(self._settings)


def _number(value: str, name: str, most: int) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= most:
        raise ValueError(f"{name} takes a number from 1 to {most}. Received: {value:.20}")
    return int(value)
