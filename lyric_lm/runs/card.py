"""`run_card`: the README.md of a run's folder."""

from typing import Any

from lyric_lm.data.printable import printable
from lyric_lm.runs.history import History


def run_card(record: dict[str, Any], history: History, *, path: str) -> str:
    """What was trained, on what, how well it went and how to use it, in Markdown.

    Args:
        record: what `describe_run` made.
        history: the figures so far.
        path: of the run folder, as the user wrote it.
    """
    return "\n".join(
        [
            "# A lyric_lm run\n",
            f"Trained with {_list(record['versions'])}.\n",
            *(f"It goes on from {_code(parent['path'])}.\n" for parent in _parents(record)[:1]),
            "## The text\n",
            *(f"* {kind}: {_text(text)}" for kind, text in record["corpus"].items() if text),
            f"* {record['vocabulary']['size']} different characters\n",
            *_figures(history, record["settings"]["optimizer"]["epochs"]),
            "## The settings\n",
            *_settings(record["settings"]),
            "\n## What to do with it\n",
            "Write lyrics:\n",
            _command(f"lyric-lm generate --run-dir {_quoted(path)}"),
            "Go on with the training where it stopped, also after a crash:\n",
            _command(f"lyric-lm train --resume --run-dir {_quoted(path)}"),
            "The model alone, in Python (`import lyric_lm` first):\n",
            '```python\nkeras.saving.load_model("model.keras")\n```\n',
        ]
    )


def _figures(history: History, planned: int) -> list[str]:
    heading = f"## The figures after {len(history)} of {planned} epochs\n"
    if not len(history):
        return [heading, "None yet.\n"]
    lines = [heading, "| | last epoch | best epoch |", "|---|---|---|"]
    for name in ("perplexity", "val_perplexity"):
        if found := history.best(name):
            best, epoch = found
            lines.append(f"| {name} | {history.last(name):.3f} | {best:.3f} (epoch {epoch}) |")
    return [*lines, ""]


def _settings(settings: dict[str, Any]) -> list[str]:
    rows = [f"| {name} | {_code(value)} |" for part in settings.values() for name, value in part.items()]
    return ["| | |", "|---|---|", *rows]


def _parents(record: dict[str, Any]) -> list[dict[str, Any]]:
    parents: list[dict[str, Any]] = record.get("heritage", {}).get("parents", [])
    return parents


def _text(text: dict[str, Any]) -> str:
    return f"{_code(text['source'])}, {text['num_chars']} characters, SHA-256 `{text['sha256']}`"


def _list(named: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in named.items())


def _code(value: Any) -> str:
    """A value as Markdown code, on one line and in one cell of a table."""
    text = printable(", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))
    return "`" + text.replace("`", "'").replace("|", "¦").replace("\n", " ") + "`"


def _command(line: str) -> str:
    return f"```sh\n{line}\n```\n"


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(printable(path))
