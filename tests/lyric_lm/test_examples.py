"""The examples in the docstrings run."""

import doctest
import importlib
from pathlib import Path

import pytest

import lyric_lm

FOLDER = Path(lyric_lm.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if ">>> " in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_run(name: str) -> None:
    results = doctest.testmod(importlib.import_module(f"lyric_lm.{name}"))

    assert results.attempted > 0
    assert results.failed == 0
