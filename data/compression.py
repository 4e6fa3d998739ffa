"""Read one compressed file, .gz, .bz2 or .zst, to a limit."""

import bz2
import gzip
import zlib
from typing import Any, BinaryIO

from lyric_lm.data.errors import CorpusError

COMPRESSED = (".gz", ".bz2", ".zst")
_DAMAGE: tuple[type[Exception], ...] = (OSError, EOFError, ValueError, zlib.error)


def read_compressed(file: BinaryIO, suffix: str, *, name: str, max_bytes: int) -> bytes:
    """What a compressed file holds.

    Args:
        file: open for reading.
        suffix: one of `COMPRESSED`.
        name: what error messages call it.
        max_bytes: the most that it may expand to; no more is ever held.

    Raises:
        CorpusError: it expands to more, is damaged, or a package for it is missing.
    """
    opened, damage = _opened(file, suffix, name)
    try:
        with opened:
            data: bytes = opened.read(max_bytes + 1)
    except damage as error:
        raise CorpusError(
            f"{name} is no {suffix} file, or a damaged one ({error}); compress it anew."
        ) from error
    if len(data) > max_bytes:
        raise CorpusError(
            f"{name} expands to more than {max_bytes // 2**20} MiB; expand it and pass the text file."
        )
    return data


def _opened(file: BinaryIO, suffix: str, name: str) -> tuple[Any, tuple[type[Exception], ...]]:
    if suffix == ".gz":
        return gzip.open(file), _DAMAGE
    if suffix == ".bz2":
        return bz2.open(file), _DAMAGE
    try:
        from backports import zstd  # Python 3.14 has it as compression.zstd
    except ImportError as error:
        raise CorpusError(
            f"{name} needs a package to be read: pip install backports.zstd, or expand it."
        ) from error
    return zstd.open(file), (*_DAMAGE, zstd.ZstdError)
