"""The examples in the docstrings run."""

import doctest
import importlib
from pathlib import Path

import pytest

import lyric_lm

FOLDER = Path(lyric_lm.__file__).parent
OTHERS = {"callbacks", "data", "tuning"}  # links to folders that have tests of their own
MODULES = sorted(
    ".".join(path.relative_to(FOLDER).with_suffix("").parts)
    for path in FOLDER.rglob("*.py")
    if path.relative_to(FOLDER).parts[0] not in OTHERS and ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_run(name: str) -> None:
    results = doctest.testmod(importlib.import_module(f"lyric_lm.{name}"))

    assert results.attempted > 0
    assert results.failed == 0
