"""`export_model`: a folder that writes lyrics without this package, whole and checked or not there at all."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lyric_lm.errors import ExportError
from lyric_lm.export.saved_model import check_saved_model, write_saved_model
from lyric_lm.export.step_files import LITERT, ONNX, check_step_file, write_step_file
from lyric_lm.export.web_page import write_web_page
from lyric_lm.model.rnn_model import RNNModel

FORMATS = ("savedmodel", "onnx", "litert", "web")


def export_model(
    model: RNNModel,
    to: str | os.PathLike[str],
    format: str = "savedmodel",  # noqa: A002, as `keras.Model.export` calls it
    *,
    web_runtime: Path | None = None,
) -> Path:
    """Write a model in another format to a new folder.

    Every format is checked before the folder appears: its logits equal the model's within 1e-5 on random
    text, and it continues a prefix greedily by the same 200 characters. The folder's README.md says how it is
    used.

    Args:
        model: the model.
        to: a folder that does not exist yet, or is empty.
        format: "savedmodel" (strings to strings, for TensorFlow and TensorFlow Serving), "onnx" or "litert"
            (one step, with a small runner), or "web" (a page that runs in any browser).
        web_runtime: for "web", the folder of the npm package onnxruntime-web; None lets npm fetch it.

    Returns:
        The folder.

    Raises:
        ValueError: `format` is none of those.
        ExportError: the folder is in use, a package is missing, or the format writes something else than the
            model; nothing is left behind.
    """
    if format not in FORMATS:
        raise ValueError(f"`format` must be one of {', '.join(FORMATS)}. Received: format={format!r}")
    folder = Path(to)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ExportError(f"{folder} is there already: name a new folder with --to.")
    parent = folder.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=parent))
    except OSError as error:
        raise ExportError(f"{folder} cannot be made ({error.strerror}): name another with --to.") from error
    try:
        work.chmod(0o755)  # a temporary folder's is its owner's alone
        try:
            _writers(web_runtime)[format](model, work)
        except OSError as error:
            raise ExportError(
                f"{folder} cannot be written ({error.strerror}): name another with --to."
            ) from error
        if folder.is_dir():
            folder.rmdir()
        work.replace(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def _writers(web_runtime: Path | None) -> dict[str, Callable[[RNNModel, Path], Any]]:
    def saved_model(model: RNNModel, folder: Path) -> None:
        write_saved_model(model, folder)
        check_saved_model(model, folder)

    def step_file(kind: Any) -> Callable[[RNNModel, Path], None]:
        def write(model: RNNModel, folder: Path) -> None:
            write_step_file(model, folder, kind)
            check_step_file(model, folder, kind)

        return write

    def web_page(model: RNNModel, folder: Path) -> None:
        step_file(ONNX)(model, folder)
        write_web_page(folder, web_runtime)

    return {
        "savedmodel": saved_model,
        "onnx": step_file(ONNX),
        "litert": step_file(LITERT),
        "web": web_page,
    }
