"""The command `lyric-lm`: flags in, exit status out. Nothing imports this package.

A command is a frozen dataclass, whose fields are its flags and whose docstring is its help, with a method
`run`. The modules import nothing heavy at their head, so that `--help` answers at once.
"""

import dataclasses
import sys
from collections.abc import Sequence
from typing import Annotated

import tyro

from lyric_lm.cli.generate import Generate
from lyric_lm.cli.start import quiet_start
from lyric_lm.cli.train import Train

__all__ = ["main"]


@dataclasses.dataclass(frozen=True)
class LyricLM:
    """A character language model for song lyrics: train it, watch it learn, write with it."""

    command: (
        Annotated[Train, tyro.conf.subcommand("train")]
        | Annotated[Generate, tyro.conf.subcommand("generate")]
    )


def main(args: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        args: the words after `lyric-lm`; None takes them from the command line.

    Returns:
        The exit status: 0, 2 for something that the user can mend (one sentence on stderr), 130 for Ctrl-C.
    """
    plain_flags = (tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes, tyro.conf.FlagCreatePairsOff)
    command = tyro.cli(LyricLM, prog="lyric-lm", args=args, config=plain_flags).command
    with quiet_start():
        from lyric_lm.errors import LyricLMError
    try:
        command.run()
    except LyricLMError as error:
        print(f"lyric-lm: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("lyric-lm: stopped.", file=sys.stderr)
        return 130
    return 0
