"""Execute the notebooks and keep their outputs: `python -m tests.notebooks`."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "lyric_lm/tutorials").glob("*.ipynb"))
EPOCHS = "EPOCHS = 250"  # what says in their parameter cell how long they take
_WITHOUT_XLA = """
from lyric_lm.cli.start import start_tensorflow
start_tensorflow()
from lyric_lm.model.stateful_model import StatefulModel
StatefulModel._resolve_auto_jit_compile = lambda _: False
"""


def read(path: Path) -> NotebookNode:
    """A notebook as it lies in the repository."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call,no-any-return]


def execute(*notebooks: NotebookNode, epochs: int | None = None) -> None:
    """Run the cells of notebooks, one after the other in one kernel, and put their outputs in place.

    Args:
        notebooks: to run.
        epochs: to train for, without XLA, whose compiling would take longer; None: as many as they say.

    Raises:
        CellExecutionError: a cell failed.
    """
    cells = [cell for notebook in notebooks for cell in notebook.cells]
    for cell in cells:
        if epochs is not None and "parameters" in cell.metadata.get("tags", []):
            assert cell.source.count(EPOCHS) == 1
            cell.source = cell.source.replace(EPOCHS, f"EPOCHS = {epochs}")
    if epochs is not None:
        cells.insert(0, nbformat.v4.new_code_cell(_WITHOUT_XLA))  # type: ignore[no-untyped-call]
    together = NotebookNode(  # type: ignore[no-untyped-call]
        cells=cells,
        metadata=dict(notebooks[0].metadata),  # a copy: the run writes this Python's version into it
        nbformat=4,
        nbformat_minor=5,
    )
    folder = {"metadata": {"path": str(NOTEBOOKS[0].parent)}}
    client = NotebookClient(
        together, timeout=600, record_timing=False, coalesce_streams=True, resources=folder
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})  # a bare checkout needs no installation


if __name__ == "__main__":
    for path in NOTEBOOKS:
        notebook = read(path)
        execute(notebook)
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
