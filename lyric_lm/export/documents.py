"""What stands beside an exported model: its vocabulary, a runner and a page that says how to use it."""

from importlib import resources
from pathlib import Path

from lyric_lm.data import Vocabulary


def write_vocabulary(vocabulary: Vocabulary, folder: Path) -> None:
    """Write `vocabulary.json`: `characters`, in the order of their ids; an unknown token's id comes last."""
    (folder / "vocabulary.json").write_text(vocabulary.to_json(), encoding="utf-8")


def write_readme(folder: Path, kind: str) -> None:
    """Write README.md for a kind of export."""
    copy_file(f"readme/{kind}.md", folder / "README.md")


def copy_file(name: str, to: Path) -> None:
    """Copy a file that this package ships."""
    to.write_bytes((resources.files("lyric_lm.export") / name).read_bytes())
