"""The command `lyric-lm`: flags in, exit status out. Nothing imports this package.

A command is a frozen dataclass, whose fields are its flags and whose docstring is its help, with a method
`run`. The modules import nothing heavy at their head, so that `--help` answers at once.
"""

import functools
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from lyric_lm import __version__
from lyric_lm.backend import choose_tensorflow
from lyric_lm.cli.earlier_run import EarlierRun
from lyric_lm.cli.evaluate import Evaluate
from lyric_lm.cli.export import Export
from lyric_lm.cli.flags import with_flags
from lyric_lm.cli.generate import Generate
from lyric_lm.cli.help import help_of, overview
from lyric_lm.cli.parsing import nearest, parse, refuse
from lyric_lm.cli.plot import Plot
from lyric_lm.cli.recipe import asked_recipe, parse_with_recipe
from lyric_lm.cli.start import keep_memory, start_tensorflow
from lyric_lm.cli.train import Train
from lyric_lm.cli.tune import Tune, with_present_names
from lyric_lm.cli.write import Write
from lyric_lm.data.printable import printable
from lyric_lm.errors import LyricLMError, RunWriteError

__all__ = ["main"]


COMMANDS: dict[str, type] = {
    "train": Train,
    "generate": Generate,
    "write": Write,
    "evaluate": Evaluate,
    "tune": Tune,
    "plot": Plot,
    "export": Export,
}
_HELP = ("-h", "--help", "--help-all")


def main(args: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        args: the words after `lyric-lm`; None takes them from the command line.

    Returns:
        The exit status: 0; 2 for something that the user can mend and 1 for a disk that refuses (one sentence
        on stderr); 128 and the number of the signal that stopped a training, so 130 for Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # lyrics on a terminal that knows ASCII only
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # as arguments are read
    args = sys.argv[1:] if args is None else list(args)
    name = args[0] if args else "--help"
    if name not in COMMANDS:
        _answer_or_refuse(name)
    try:
        return _run(name, with_present_names(args[1:]) if name == "tune" else args[1:])
    except LyricLMError as error:
        print(f"lyric-lm: {printable(with_flags(str(error)))}", file=sys.stderr)
        return 1 if isinstance(error, RunWriteError) else 2
    except BrokenPipeError:  # `lyric-lm ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor may Python's own flush fail
        return 128 + 13  # as SIGPIPE would have
    except KeyboardInterrupt:
        print("lyric-lm: stopped.", file=sys.stderr)
        return 130


def _run(name: str, words: Sequence[str]) -> int:
    """Run a command that there is, or show its help."""
    recipe, earlier = asked_recipe(name, words), EarlierRun.asked_for(name, words)
    default = recipe if earlier is None else earlier.command()
    if any(word in _HELP for word in words):
        print(help_of(name, COMMANDS[name], default, everything="--help-all" in words))
        raise SystemExit(0)
    parsed = functools.partial(parse, name, COMMANDS[name], words)
    command = parsed(default)  # what cannot be parsed is said before TensorFlow is imported
    keep_memory()
    choose_tensorflow()
    start_tensorflow(getattr(command, "devices", None))
    if earlier is not None:
        command = earlier.parse_again(command, parsed)
    elif recipe is not None:
        command = parse_with_recipe(command, parsed)
    return command.run() or 0


def _answer_or_refuse(word: str) -> NoReturn:
    """Answer what is no command: the overview, the version, or that there is no such thing."""
    if word in _HELP:
        print(overview(COMMANDS))
    elif word == "--version":
        print(f"lyric-lm {__version__}")
    else:
        refuse(f"There is no command {word!r}{nearest(word, list(COMMANDS))}.", see="lyric-lm --help")
    raise SystemExit(0)
