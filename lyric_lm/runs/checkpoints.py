"""Checkpoints: everything that a training needs to go on as if it had never stopped, in one file.

A file is, in this order: the eight bytes `LYRICCKP`; the length of the header, uint64, little-endian; the
header, JSON in UTF-8; the arrays' bytes, little-endian, one after the other; the SHA-256 of all that. There
is no code in it and nothing compressed: reading a file takes at most twice its size, and 1 GB for the most
entangled header of 32 MiB.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lyric_lm.errors import CheckpointError
from lyric_lm.runs.atomic_files import clear_write_errors, write_atomically
from lyric_lm.runs.checkpoint_values import ArrayReader, pack_value, unpack_value

# 2 added sets, and dicts whose keys are not all text, to what a callback may remember.
FORMAT_VERSION = 2

_MAGIC = b"LYRICCKP"
_MAX_HEADER_BYTES = 32 * 2**20  # the history of 100,000 epochs fits
_DIGEST_BYTES = hashlib.sha256().digest_size
_NAME = re.compile(r"epoch-(\d{6,12})\.ckpt")
_KEPT = 2  # the newest, and one in case that one is damaged


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A training between two epochs."""

    epoch: int  # epochs done, >= 1
    stopped: bool  # whether a callback has ended the training here
    model: list[np.ndarray[Any, Any]]  # all variables, seed generators included
    optimizer: list[np.ndarray[Any, Any]]  # all variables, the learning rate included
    memory: dict[str, dict[str, Any]]  # what each callback says that it remembers: plain values and arrays


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write `epoch-<number>.ckpt`, then delete all but the newest two.

    Args:
        folder: made if it is not there, inside a folder that is.
        checkpoint: what to keep.

    Returns:
        The file.

    Raises:
        RunWriteError: it cannot be written; the older ones are untouched.
    """
    path = folder / f"epoch-{checkpoint.epoch:06d}.ckpt"
    with clear_write_errors(path):
        folder.mkdir(exist_ok=True)
    pieces = _pieces(checkpoint)
    write_atomically(path, lambda temporary: _write(temporary, pieces))
    older = [other for other in _newest_first(folder) if _epoch_of(other) < checkpoint.epoch]
    # A file of a later epoch is damaged: this training was resumed from one before it.
    outdated = set(_newest_first(folder)) - {path, *older[: _KEPT - 1]}
    with clear_write_errors(path):
        for other in outdated:
            other.unlink(missing_ok=True)
    return path


def read_newest_checkpoint(folder: Path, *, report: Callable[[str], object]) -> Checkpoint | None:
    """The newest checkpoint that is whole.

    Args:
        folder: where `write_checkpoint` wrote.
        report: told, in a sentence, of each damaged file that is passed over.

    Returns:
        The checkpoint; None where there is no file.

    Raises:
        CheckpointError: every file is damaged, or one is of a later version of this package.
    """
    paths = _newest_first(folder)
    damage = []
    for path in paths:
        try:
            checkpoint = decode_checkpoint(_read(path))
        except CheckpointError as error:
            damage.append(f"{path} {error}")
            continue
        for sentence in damage:
            report(f"{sentence}; going on from epoch {checkpoint.epoch} instead.")
        return checkpoint
    if damage:
        raise CheckpointError(f"No checkpoint can be used: {'; '.join(damage)}. Train from the start.")
    return None


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The bytes of a file."""
    return b"".join(_pieces(checkpoint))


def _pieces(checkpoint: Checkpoint) -> list[bytes | memoryview]:
    """The bytes of a file in pieces, so that no array need be copied."""
    arrays: list[np.ndarray[Any, Any]] = []
    fields = {f.name: getattr(checkpoint, f.name) for f in dataclasses.fields(checkpoint)}
    values = {name: pack_value(value, arrays) for name, value in fields.items()}
    described = [{"dtype": array.dtype.name, "shape": list(array.shape)} for array in arrays]
    content = {"format_version": FORMAT_VERSION, "values": values, "arrays": described}
    header = json.dumps(content).encode()
    if len(header) > _MAX_HEADER_BYTES:
        raise CheckpointError("What the callbacks remember is too long for a checkpoint: log fewer values.")
    pieces: list[bytes | memoryview] = [
        _MAGIC,
        len(header).to_bytes(8, "little"),
        header,
        *map(_little_endian_bytes, arrays),
    ]
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return [*pieces, digest.digest()]


def _write(path: Path, pieces: list[bytes | memoryview]) -> None:
    with path.open("wb") as file:
        file.writelines(pieces)


def decode_checkpoint(data: bytes) -> Checkpoint:
    """The inverse of `encode_checkpoint`.

    Raises:
        CheckpointError: the bytes are not those of a checkpoint, whole and of a version known here. The
            message has no subject, as it follows the name of a file.
    """
    if not data.startswith(_MAGIC) or len(data) < len(_MAGIC) + 8 + _DIGEST_BYTES:
        raise CheckpointError("is no checkpoint of lyric_lm, or cut off at its beginning")
    body = memoryview(data)[:-_DIGEST_BYTES]
    if hashlib.sha256(body).digest() != data[-_DIGEST_BYTES:]:
        raise CheckpointError("is damaged: its checksum does not match")
    start = len(_MAGIC) + 8
    end = start + int.from_bytes(body[len(_MAGIC) : start], "little")
    try:
        if end - start > _MAX_HEADER_BYTES:
            raise ValueError("a header too long")
        header = json.loads(bytes(body[start:end]))
        version = header["format_version"]
        if type(version) is int and version > FORMAT_VERSION:
            raise CheckpointError(
                f"is of format {version}, from a later version of lyric_lm: install that version"
            )
        if type(version) is not int or version < 1:
            raise ValueError(f"format_version {version!r:.20}")
        reader = ArrayReader(header["arrays"], body[end:])
        fields = {name: unpack_value(value, reader.arrays) for name, value in header["values"].items()}
        return _checked(Checkpoint(**fields))
    except CheckpointError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise CheckpointError(f"holds something else than a checkpoint ({error!s:.80})") from error


def _checked(checkpoint: Checkpoint) -> Checkpoint:
    if type(checkpoint.epoch) is not int or checkpoint.epoch < 1 or type(checkpoint.stopped) is not bool:
        raise ValueError("no epoch")
    for arrays in (checkpoint.model, checkpoint.optimizer):
        if not isinstance(arrays, list) or not all(isinstance(array, np.ndarray) for array in arrays):
            raise ValueError("no variables")
    memory = checkpoint.memory
    if not isinstance(memory, dict) or not all(isinstance(value, dict) for value in memory.values()):
        raise ValueError("no memory")
    return checkpoint


def _little_endian_bytes(array: np.ndarray[Any, Any]) -> memoryview:
    array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    return array.reshape(-1).view(np.uint8).data


def _newest_first(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("epoch-*.ckpt") if _NAME.fullmatch(path.name)]
    return sorted(found, key=_epoch_of, reverse=True)


def _epoch_of(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else -1


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror})") from error
