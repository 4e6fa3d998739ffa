"""The notebooks run from top to bottom, in both languages, and print what is kept in them."""

import ast
import re
from pathlib import Path

import pytest
from nbformat import NotebookNode

from tests.notebooks import NOTEBOOKS, execute, read


def code_of(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cell: NotebookNode) -> list[str]:
    """What a cell left, as text."""
    return [output.get("text") or output["data"]["text/plain"] for output in cell.outputs]


def varies(cell: NotebookNode) -> bool:
    """Whether what a cell leaves differs from machine to machine."""
    return "varies" in cell.metadata.get("tags", [])


def check_run(notebook: NotebookNode, kept: NotebookNode) -> str:
    """Compare what does not vary with what is kept; the reports of the training are returned."""
    assert [printed(cell) for cell in code_of(notebook) if not varies(cell)] == [
        printed(cell) for cell in code_of(kept) if not varies(cell)
    ]
    (training,) = [cell for cell in code_of(notebook) if varies(cell)]
    bar, reports = printed(training)
    assert re.match(r"█+ epoch (\d+) of \1, ", bar)
    return reports


def test_the_notebooks_run_with_few_epochs() -> None:
    notebooks = [read(path) for path in NOTEBOOKS]
    execute(*notebooks, epochs=3)
    for notebook, path in zip(notebooks, NOTEBOOKS, strict=True):
        reports = check_run(notebook, read(path))
        assert re.fullmatch(r"epoch 3, perplexity \d+\.\d+\n - 分开.*\n - 不分开.*\n", reports)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_whole_notebook_learns_its_text(path: Path) -> None:
    notebook = read(path)
    execute(notebook)
    reports = check_run(notebook, read(path))
    assert re.findall(r"^epoch (\d+)", reports, re.MULTILINE) == ["50", "100", "150", "200", "250"]
    assert float(re.findall(r"perplexity (\S+)", reports)[-1]) < 10


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_kept_is_one_clean_run(path: Path) -> None:
    notebook = read(path)

    assert [cell.execution_count for cell in code_of(notebook)] == list(range(1, len(code_of(notebook)) + 1))
    assert all(cell.metadata.keys() <= {"tags"} for cell in notebook.cells)
    for cell in code_of(notebook):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output
        assert not re.search(r"(?m)(^|\s)/\w+/|\bWARNING\b| sec\b", "\n".join(printed(cell)))


def test_the_notebooks_differ_in_language_only() -> None:
    english, chinese = map(read, NOTEBOOKS)

    assert [path.suffixes[-2] for path in NOTEBOOKS] == [".en", ".zh"]
    assert [(cell.id, cell.cell_type) for cell in english.cells] == [
        (cell.id, cell.cell_type) for cell in chinese.cells
    ]
    for one, other in zip(code_of(english), code_of(chinese), strict=True):
        assert skeleton(one.source) == skeleton(other.source)


def skeleton(source: str) -> str:
    """A cell's code without its comments and texts."""
    tree = ast.parse(re.sub(r"^( *)%", r"\1# %", source, flags=re.MULTILINE))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            node.values = [value for value in node.values if isinstance(value, ast.FormattedValue)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)
