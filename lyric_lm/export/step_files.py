"""ONNX and LiteRT: one step of the model in a file, with its vocabulary and a runner beside it."""

import contextlib
import dataclasses
import importlib.util
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lyric_lm.errors import ExportError
from lyric_lm.export.checks import check_logits, check_text
from lyric_lm.export.documents import copy_file, write_readme, write_vocabulary
from lyric_lm.model.rnn_model import RNNModel


@dataclasses.dataclass(frozen=True)
class StepFormat:
    """A format that holds one step."""

    name: str  # Keras' name of it
    file: str  # in the folder
    packages: dict[str, str]  # what writing and checking it needs: module and distribution


ONNX = StepFormat("onnx", "model.onnx", {"tf2onnx": "tf2onnx", "onnx": "onnx", "onnxruntime": "onnxruntime"})
LITERT = StepFormat("litert", "model.tflite", {"ai_edge_litert": "ai-edge-litert"})


def write_step_file(model: RNNModel, folder: Path, kind: StepFormat) -> None:
    """Write the step, the vocabulary, the runner `generate.py` and README.md.

    Raises:
        ExportError: a package is missing.
    """
    check_packages(kind)
    with _quiet():
        try:
            model.export(folder / kind.file, format=kind.name, verbose=False)
        except Exception as error:  # whatever a converter makes of an operation that it does not know
            cells = ", ".join(dict.fromkeys(type(rnn.cell).__name__ for rnn in model.rnns))
            raise ExportError(
                f"A model of {cells} cannot be exported as {kind.name} ({error!s:.80}): --format savedmodel "
                "takes any cell."
            ) from error
    write_vocabulary(model.vocabulary, folder)
    copy_file("runner.py", folder / "generate.py")
    write_readme(folder, kind.name)


def check_step_file(model: RNNModel, folder: Path, kind: StepFormat) -> None:
    """Run the folder's own runner, and compare.

    Raises:
        ExportError: it differs from the model.
    """
    del kind
    spec = importlib.util.spec_from_file_location("exported_runner", folder / "generate.py")
    runner: Any = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(runner)  # type: ignore[union-attr]
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    with _quiet():
        step, zeros = runner.open_step()
    names = list(zeros)

    def one_step(ids: Any, state: list[Any]) -> tuple[Any, list[Any]]:
        logits, after = step(ids, dict(zip(names, state, strict=True)))
        return logits, [after[name] for name in names]

    check_logits(model, one_step, list(zeros.values()))
    check_text(model, runner.generate)


def check_packages(kind: StepFormat) -> None:
    """Refuse a format that lacks a package.

    Raises:
        ExportError: it does; the message has the line that installs it.
    """
    missing = [name for module, name in kind.packages.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ExportError(
            f"--format {kind.name} needs {' and '.join(missing)}: pip install 'lyric-lm[export]'"
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the converters' chatter off the screen; their C++ parts write to the file descriptor."""
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as chatter, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(chatter.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
