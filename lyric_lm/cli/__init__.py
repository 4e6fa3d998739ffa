"""The command `lyric-lm`: flags in, exit status out. Nothing imports this package.

A command is a frozen dataclass, whose fields are its flags and whose docstring is its help, with a method
`run`. The modules import nothing heavy at their head, so that `--help` answers at once.
"""

import dataclasses
import functools
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import tyro

from lyric_lm.backend import choose_tensorflow
from lyric_lm.cli.evaluate import Evaluate
from lyric_lm.cli.export import Export
from lyric_lm.cli.flags import with_flags
from lyric_lm.cli.generate import Generate
from lyric_lm.cli.plot import Plot
from lyric_lm.cli.recipe import asks_for_recipe, parse_with_recipe
from lyric_lm.cli.start import keep_memory, start_tensorflow
from lyric_lm.cli.train import Train
from lyric_lm.cli.tune import Tune, with_present_names
from lyric_lm.cli.write import Write
from lyric_lm.data.printable import printable
from lyric_lm.errors import LyricLMError, RunWriteError

__all__ = ["main"]


@dataclasses.dataclass(frozen=True)
class LyricLM:
    """A character language model for song lyrics: train it, watch it learn, write with it."""

    command: (
        Annotated[Train, tyro.conf.subcommand("train")]
        | Annotated[Generate, tyro.conf.subcommand("generate")]
        | Annotated[Write, tyro.conf.subcommand("write")]
        | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
        | Annotated[Tune, tyro.conf.subcommand("tune")]
        | Annotated[Plot, tyro.conf.subcommand("plot")]
        | Annotated[Export, tyro.conf.subcommand("export")]
    )


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
    if args[:1] == ["tune"]:
        args = with_present_names(args)
    plain_flags = (tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)
    parse = functools.partial(tyro.cli, LyricLM, prog="lyric-lm", args=args, config=plain_flags)
    command = None if asks_for_recipe(args) else parse().command
    keep_memory()
    try:
        choose_tensorflow()
        start_tensorflow()
        if command is None:
            command = parse_with_recipe(args[0], lambda given: parse(default=LyricLM(given)).command)
        if isinstance(command, Train) and command.run_config.resume:
            command = command.with_stored_settings(lambda train: parse(default=LyricLM(train)).command)
        return command.run() or 0
    except LyricLMError as error:
        print(f"lyric-lm: {printable(with_flags(str(error)))}", file=sys.stderr)
        return 1 if isinstance(error, RunWriteError) else 2
    except BrokenPipeError:  # `lyric-lm ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor may Python's own flush fail
        return 128 + 13  # as SIGPIPE would have
    except KeyboardInterrupt:
        print("lyric-lm: stopped.", file=sys.stderr)
        return 130
