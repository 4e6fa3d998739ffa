"""Reading lines: with editing and history on a terminal, plainly from a pipe."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PROMPT = "> "


def line_reader(history: Path, **terminal: Any) -> Callable[[], str]:
    """What reads a line at each call.

    On a terminal arrow keys move and bring back what was typed before, also in earlier sessions, and a wide
    character is one to delete.

    Args:
        history: the file that keeps what was typed, where its folder can be written.
        terminal: `input` and `output` of prompt_toolkit, instead of the process's own.

    Returns:
        A function that returns a line, or raises `EOFError` at the end of the input.
    """
    if not terminal and not (sys.stdin.isatty() and sys.stdout.isatty()):
        return lambda: input(_PROMPT)
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    kept = FileHistory(str(history)) if os.access(history.parent, os.W_OK) else InMemoryHistory()
    session: PromptSession[str] = PromptSession(history=kept, **terminal)
    return lambda: session.prompt(_PROMPT)
