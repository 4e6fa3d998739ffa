"""Words in, a command out; what cannot be parsed gets one sentence that points at the command's help."""

import contextlib
import difflib
import io
import itertools
import re
import sys
from collections.abc import Sequence
from typing import Any

import tyro

from lyric_lm.cli.command_flags import flag_groups
from lyric_lm.cli.flags import with_flags
from lyric_lm.data.printable import printable

_WRONG_VALUE = re.compile(r"Error parsing (?P<flag>--[a-z-]+): .*?'(?P<value>[^']*)'[\].]*(?: |$)")
_WRONG_CHOICE = re.compile(r"invalid choice '(?P<value>.*)' for argument '(?P<flag>.*?)'")
_KINDS = {"N": "a whole number", "X": "a number"}  # that help abbreviates


def parse(name: str, command: type, words: Sequence[str], default: Any = None) -> Any:
    """A command, from the words after its name.

    Args:
        name: of the command.
        command: its dataclass.
        words: flags and values.
        default: an instance whose values the flags default to; None takes the dataclass' own.

    Raises:
        SystemExit: status 2, after a sentence on stderr: the words do not fit.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(
                command,
                prog=f"lyric-lm {name}",
                args=words,
                **({} if default is None else {"default": default}),
                config=(tyro.conf.OmitArgPrefixes,),
                add_help=False,
            )
    except SystemExit as end:
        if not end.code:  # it was asked for a shell's completions
            raise
        refuse(_sentence(said.getvalue(), command), see=f"lyric-lm {name} --help")


def refuse(sentence: str, *, see: str) -> Any:
    """Say why a command line is none, and where help is.

    Raises:
        SystemExit: status 2.
    """
    print(f"lyric-lm: {printable(sentence)}\nSee: {see}", file=sys.stderr)
    raise SystemExit(2)


def nearest(word: str, words: Sequence[str]) -> str:
    """What to add to a refusal of a word: the one of the words that is like it, if any."""
    found = difflib.get_close_matches(word, words, n=1)
    return f"; perhaps {found[0]}" if found else ""


def _sentence(message: str, command: type) -> str:
    """A message of the parser without its frame, its hints and its words for Python programmers."""
    lines = [line.strip("│╭╮╰╯ ") for line in message.splitlines()[1:]]  # without the title
    framed = itertools.dropwhile(_is_rule, lines)
    sentence = " ".join(itertools.takewhile(lambda line: not _is_rule(line), framed)).strip()
    flags = {
        "--" + flag.name.replace("_", "-"): flag for group in flag_groups(command) for flag in group.flags
    }
    if unknown := re.match(r"Unrecognized options: (?P<first>[^,]+)", sentence):
        word = unknown["first"]
        if not word.startswith("-"):
            return f"{word!r} belongs to no flag."
        return f"There is no flag {word}{nearest(word, list(flags))}."
    if sentence.startswith("Missing from"):
        return f"Give {' and '.join(re.findall('(?<= )--[a-z-]+', sentence))}."
    wrong = _WRONG_VALUE.match(sentence) or _WRONG_CHOICE.match(sentence)
    if wrong and (flag := flags.get(wrong["flag"])):
        kind = flag.placeholder.removesuffix(" ...")
        return f"{wrong['flag']} takes {_KINDS.get(kind, kind)}. Received: {wrong['value']}"
    sentence = re.sub(r"^Error parsing [\w.]+: ", "", sentence)
    sentence = re.sub(r" for argument '(.*?)'. Expected.*", r" of \1.", sentence)
    return with_flags(sentence, [flag.name for flag in flags.values()])


def _is_rule(line: str) -> bool:
    return set(line) <= {"─", "-"}
