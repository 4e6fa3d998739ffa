"""JSON files that are whole or absent, also after kill -9."""

import json
import os
from pathlib import Path
from typing import Any

from lyric_lm.errors import RunError
from lyric_lm.runs.atomic_files import write_atomically


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write a JSON file in one step.

    Raises:
        RunWriteError: it cannot be written; what was there is untouched.
    """
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    write_atomically(Path(path), lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_json(path: str | os.PathLike[str]) -> Any:
    """What `write_json` wrote; None if there is no such file.

    Raises:
        RunError: it is no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise RunError(f"{path} is damaged ({error}): start anew with --overwrite.") from error
