"""Load a model.keras that may come from anyone.

Keras' safe mode refuses code. What it leaves is refused here, before Keras opens the file: a class that is
neither Keras' own nor registered in this process, an archive that would expand or whose members leave it, a
configuration of a model far larger than the weights beside it, and HDF5's links, external storage and
compressed or virtual datasets. So a file takes at most a few times its own size of memory.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras

from lyric_lm.errors import RunError
from lyric_lm.model.rnn_model import RNNModel

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_MEMBERS = {"metadata.json", _CONFIG, _WEIGHTS}
_MAX_CONFIG_BYTES = 64 * 2**20
# Every module that Keras' own layers, optimizers and their parts are saved under.
_MODULES = {
    "keras",
    "keras.constraints",
    "keras.initializers",
    "keras.layers",
    "keras.losses",
    "keras.metrics",
    "keras.mixed_precision",
    "keras.optimizers",
    "keras.optimizers.schedules",
    "keras.random",
    "keras.regularizers",
}
_CODE = {"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer", "function"}


def load_model_file(path: Path) -> RNNModel:
    """Load a model, safely.

    Args:
        path: a `.keras` file that an `RNNModel` was saved to.

    Raises:
        RunError: the file is damaged, unsafe, or holds another model.
    """
    try:
        _check_archive(path)
        model = keras.saving.load_model(path, safe_mode=True)
    except Exception as error:  # Keras, h5py and zipfile raise nearly every kind on a damaged file
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise RunError(f"{path} cannot be loaded ({reason:.200}): train the run again.") from error
    if not isinstance(model, RNNModel):
        raise RunError(f"{path} holds a {type(model).__name__}, not an RNNModel: train the run again.")
    return model


def _check_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sorted(member.filename for member in members) != sorted(_MEMBERS):
            raise ValueError("it holds other files than a model's")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError("it is compressed, as Keras never does")
        if archive.getinfo(_CONFIG).file_size > _MAX_CONFIG_BYTES:
            raise ValueError("its configuration is too large")
        config = json.loads(archive.read(_CONFIG))
        weights = archive.read(_WEIGHTS)  # checks the checksum too
    _check_classes(config)
    with h5py.File(io.BytesIO(weights), "r") as file:
        _check_group(file)
    _check_size(config, len(weights))


def _check_classes(config: Any) -> None:
    """Refuse what names a class that this process does not know already."""
    if isinstance(config, list):
        for entry in config:
            _check_classes(entry)
    if not isinstance(config, dict):
        return
    if "class_name" in config:
        name, module = config["class_name"], config.get("module")
        registered = config.get("registered_name")
        known = keras.saving.get_registered_object(registered) if isinstance(registered, str) else None
        is_ours = known is not None or module in _MODULES or name == "__tuple__"
        if name in _CODE or not is_ours:
            raise ValueError(f"it names {module!r:.60}.{name!r:.60}, which is no class of a model of ours")
    for entry in config.values():
        _check_classes(entry)


def _check_group(group: Any) -> None:
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"its weights hold a link, {name!r:.60}")
        entry = group[name]
        if isinstance(entry, h5py.Group):
            _check_group(entry)
        elif entry.is_virtual or entry.external or entry.chunks or entry.compression:
            raise ValueError(f"its weights are not stored plainly in {name!r:.60}")
        elif entry.dtype.hasobject:
            raise ValueError(f"its weights hold something else than numbers in {name!r:.60}")


def _check_size(config: Any, weight_bytes: int) -> None:
    """Refuse a configuration whose model could not have left such weights."""
    settings = config["config"]
    size = len(settings["vocabulary"]["characters"])
    width = int(settings.get("embedding_dim") or size)
    cell = settings["cell"]["config"]
    cells = [entry["config"] for entry in cell["cells"]] if "cells" in cell else [cell]
    num_weights = size * int(settings.get("embedding_dim") or 0)
    for units in (int(entry.get("units", 0)) for entry in cells):
        num_weights += (width + units) * units
        width = units
    if num_weights > weight_bytes:  # at least two bytes each, in half precision
        raise ValueError("its configuration is of a larger model than its weights")
