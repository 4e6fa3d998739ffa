"""A page that writes lyrics in any browser: one folder, to open or to serve, and no server behind it."""

import base64
import contextlib
import gzip
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lyric_lm.errors import ExportError
from lyric_lm.export.documents import copy_file, write_readme

# The part of it that runs on a processor. It takes the WebAssembly as bytes, which a page opened from a disk
# needs: browsers let such a page fetch nothing.
_PACKAGE = "onnxruntime-web@1"
_MODULE, _WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
_SECONDS = 300  # for npm; the package has 30 MB


def write_web_page(folder: Path, runtime: Path | None) -> None:
    """Turn the folder of an ONNX export into a page: index.html and three scripts that hold all it needs.

    Args:
        folder: holds model.onnx and vocabulary.json.
        runtime: the folder of the npm package onnxruntime-web; None takes that of ./node_modules or lets npm
            fetch it.

    Raises:
        ExportError: the package cannot be had.
    """
    with _runtime_files(runtime) as dist:
        module, wasm = (dist / _MODULE).read_text(encoding="utf-8"), (dist / _WASM).read_bytes()
    vocabulary = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
    _write_script(folder / "runtime.js", "RUNTIME", {"module": module, "wasm": _packed(wasm)})
    model = _packed((folder / "model.onnx").read_bytes())
    _write_script(folder / "model.js", "MODEL", {"onnx": model, "characters": vocabulary["characters"]})
    for name in ("index.html", "app.js"):
        copy_file(f"web/{name}", folder / name)
    for name in ("model.onnx", "vocabulary.json", "generate.py"):
        (folder / name).unlink()
    write_readme(folder, "web")


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _write_script(path: Path, name: str, value: dict[str, object]) -> None:
    path.write_text(f"window.{name} = {json.dumps(value)};\n", encoding="utf-8")


@contextlib.contextmanager
def _runtime_files(given: Path | None) -> Iterator[Path]:
    """The folder that holds the module and the WebAssembly."""
    for package in [given] if given is not None else [Path("node_modules") / "onnxruntime-web"]:
        for dist in (package / "dist", package):
            if (dist / _MODULE).is_file() and (dist / _WASM).is_file():
                yield dist
                return
    if given is not None:
        raise ExportError(
            f"{given} is not the npm package onnxruntime-web: it holds no {_MODULE} and {_WASM}. Name the "
            "folder that `npm install onnxruntime-web` made."
        )
    with tempfile.TemporaryDirectory() as folder:
        _fetch(Path(folder))
        yield Path(folder)


def _fetch(folder: Path) -> None:
    npm = shutil.which("npm")
    advice = (
        "run `npm install onnxruntime-web` where there is a network, and name its folder with --web-runtime"
    )
    if npm is None:
        raise ExportError(f"--format web needs onnxruntime-web, and there is no npm to fetch it: {advice}.")
    command = [npm, "pack", "--silent", "--pack-destination", str(folder), _PACKAGE]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)
        (archive,) = folder.glob("*.tgz")
        with tarfile.open(archive) as tar:
            for name in (_MODULE, _WASM):
                member = tar.extractfile(f"package/dist/{name}")
                (folder / name).write_bytes(member.read() if member else b"")
    except (subprocess.SubprocessError, OSError, ValueError, KeyError, tarfile.TarError) as error:
        raise ExportError(
            f"npm could not fetch onnxruntime-web ({type(error).__name__}): {advice}."
        ) from error
