"""`--help`: a command's flags that matter first, with examples; `--help-all`: every flag."""

import shutil
from typing import Any

from lyric_lm.cli.command_flags import REQUIRED, Flag, flag_groups

_WIDEST = 100  # columns; longer lines are hard to read
_INDENT = 24  # columns before a flag's explanation

# What matters first of the commands that have many flags.
FIRST: dict[str, tuple[str, ...]] = {
    "train": (
        *("corpus", "recipe", "epochs", "validation_split", "prefixes", "cell", "hidden_size"),
        *("learning_rate", "run_dir", "resume", "from", "dry_run", "seed"),
    ),
    "generate": (
        *("run_dir", "prefix", "num_chars", "num_lines", "num_samples", "temperature", "max_copy"),
        *("seed", "report", "interactive"),
    ),
    "write": (
        *("run_dir", "form", "rhyme", "template", "acrostic", "num_songs", "seed", "report", "interactive"),
    ),
    "tune": (
        *("corpus", "recipe", "hidden_size", "learning_rate", "dropout", "epochs", "tuner", "max_trials"),
        *("retrain", "workers", "run_dir"),
    ),
}
EXAMPLES = {
    "train": """
  the chapter's model, on the lyrics that come with it
    lyric-lm train
  new lines from a text of your own
    lyric-lm train --recipe generalize --corpus mine.txt --run-dir runs/mine
  go on after a stop
    lyric-lm train --resume --run-dir runs/mine
  what a training will cost
    lyric-lm train --recipe generalize --corpus mine.txt --dry-run""",
    "generate": """
  go on from the newest run's prefixes
    lyric-lm generate
  eight lines, copying at most eight characters in a row
    lyric-lm generate --run-dir runs/mine --num-lines 8 --max-copy 8
  line by line, with you
    lyric-lm generate --run-dir runs/mine --interactive""",
    "write": """
  a stanza of four lines
    lyric-lm write --run-dir runs/mine --form "7 7 5 7" --rhyme AABA
  in the form of another song
    lyric-lm write --run-dir runs/mine --template song.txt
  lines that begin with these characters
    lyric-lm write --run-dir runs/mine --acrostic 分开快乐""",
    "evaluate": """
  the text that the run held out
    lyric-lm evaluate --run-dir runs/mine
  another text
    lyric-lm evaluate --run-dir runs/mine --corpus other.txt""",
    "tune": """
  learning rate and hidden size of the chapter's model
    lyric-lm tune --epochs 50
  the recipe's dropout, for a text of your own
    lyric-lm tune --recipe generalize --corpus mine.txt --dropout 0.5 0.65 0.8""",
    "plot": """
  one run
    lyric-lm plot --run-dir runs/mine
  two beside each other
    lyric-lm plot --run-dir runs/one runs/two --output both.png""",
    "export": """
  a page for any browser
    lyric-lm export --run-dir runs/mine --format web --to page
  for onnxruntime
    lyric-lm export --run-dir runs/mine --format onnx --to onnx""",
}


def overview(commands: dict[str, type]) -> str:
    """What `lyric-lm --help` says.

    Args:
        commands: each command's dataclass by its name.
    """
    lines = ["usage: lyric-lm COMMAND [FLAGS]", "", "A character language model for song lyrics.", ""]
    for name, command in commands.items():
        lines += _row(name, _summary(command), indent=12)
    lines += [
        "",
        "Each has its own help, as in: lyric-lm train --help",
        "What is installed: lyric-lm --version",
    ]
    return "\n".join(lines)


def help_of(name: str, command: type, default: Any = None, *, everything: bool = False) -> str:
    """What `lyric-lm NAME --help` says.

    Args:
        name: of the command.
        command: its dataclass.
        default: an instance whose values are the defaults, as a recipe's; None takes the dataclass' own.
        everything: whether all flags are listed.
    """
    lines = [f"usage: lyric-lm {name} [FLAGS]", "", *_wrapped(_summary(command), 0), ""]
    groups = flag_groups(command, default)
    if everything:
        for group in groups:
            lines += _wrapped(group.heading, 0)
            lines += [line for flag in group.flags for line in _flag_lines(flag)] + [""]
        return "\n".join(
            [*lines, *_wrapped("--no-NAME turns a switch off, --NAME turns it on; None unsets a value.", 0)]
        )
    flags = {flag.name: flag for group in groups for flag in group.flags}
    first = FIRST.get(name, tuple(flags))
    lines += [line for flag in first for line in _flag_lines(flags[flag])]
    if len(flags) > len(first):
        hint = f"These come first; all {len(flags)} flags: lyric-lm {name} --help-all"
        lines += ["", *_wrapped(hint, 0)]
    return "\n".join([*lines, "", "Examples:"]) + EXAMPLES[name]


def _summary(command: type) -> str:
    return (command.__doc__ or "").partition("\n\n")[0].replace("\n", " ")


def _flag_lines(flag: Flag) -> list[str]:
    text = f"turn off: {flag.text}" if flag.default is True else flag.text
    if flag.default is REQUIRED:
        text += " (required)"
    elif flag.default not in (None, False, True, "", ()):
        shown = " ".join(map(str, flag.default)) if isinstance(flag.default, tuple) else flag.default
        text = f"{text} (default: {shown})".strip()
    return _row(flag.spelling, text, indent=_INDENT)


def _row(left: str, right: str, *, indent: int) -> list[str]:
    """`left`, and `right` beside it; in the next line where `left` is too long."""
    from rich.cells import cell_len

    rows = _wrapped(right, indent)
    if cell_len(left) + 4 > indent or not rows:
        return [f"  {left}", *rows]
    return [f"  {left}".ljust(indent + len(left) - cell_len(left)) + rows[0].lstrip(), *rows[1:]]


def _wrapped(text: str, indent: int) -> list[str]:
    """A text in lines that fit, wide characters counted, no word broken."""
    from rich.cells import cell_len

    width = min(shutil.get_terminal_size().columns, _WIDEST) - indent
    lines: list[str] = []
    for word in text.split():
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [" " * indent + line for line in lines]
