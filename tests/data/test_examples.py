"""The examples in the docstrings run."""

import doctest
import importlib

import pytest

MODULES = [
    "__init__",
    "archive",
    "batches",
    "corpus",
    "encoding",
    "errors",
    "jaychou",
    "epoch_variation",
    "vocabulary",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_run(name: str) -> None:
    module = importlib.import_module("lyric_lm.data" if name == "__init__" else f"lyric_lm.data.{name}")

    assert doctest.testmod(module).failed == 0
