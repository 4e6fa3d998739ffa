"""Read the texts of a zip archive, without trusting the archive."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Collection
from pathlib import PureWindowsPath
from typing import BinaryIO

from lyric_lm.data.errors import CorpusError

MAX_TEXT_BYTES = 64 * 2**20
"""The most bytes that the texts of an archive may expand to, and that the archive itself may take."""

_MAX_MEMBERS = 10_000  # looking through the million that 64 MiB can hold takes half a minute
_ENCRYPTED = 0x1  # bit of a member's general purpose flags
# bz2 and lzma expand each 4 KiB that they are fed to any size before a limit can be checked.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile was seen to raise on damaged archives; ValueError includes undecodable member names.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def read_zipped_texts(file: BinaryIO, *, name: str, suffixes: Collection[str]) -> list[tuple[str, bytes]]:
    """The texts of a zip archive, sorted by their paths in it; nothing is ever written to disk.

    Folders, files whose name starts with a dot and what macOS adds (`__MACOSX/`) do not count.

    Args:
        file: the archive, open for reading.
        name: what error messages call it.
        suffixes: of the files that are texts, in small letters, each with its dot.

    Returns:
        Pairs of a path in the archive and its content, at most `MAX_TEXT_BYTES` bytes in all.

    Raises:
        CorpusError: if there is no text; if one is encrypted, larger than the limits or compressed by another
            method than deflate; if a member is a link or its path leaves the archive; if the archive is
            damaged.
    """
    if file.seek(0, 2) > MAX_TEXT_BYTES:
        raise CorpusError(f"{name} is an archive of more than {_LIMIT}; unpack it and pass its folder.")
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            return _contents(archive, _texts(archive, name, suffixes), name)
    except CorpusError:
        raise
    except _DAMAGE as error:
        raise CorpusError(f"{name} is no zip archive, or a damaged one ({error}); pack it anew.") from error


def checked_members(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """The members of an archive, none of them out of it.

    Raises:
        CorpusError: they are too many, or one is a link or has a path that leaves the archive.
    """
    members = archive.infolist()
    if len(members) > _MAX_MEMBERS:
        raise CorpusError(f"{name} has more than {_MAX_MEMBERS} members; unpack it and pass its folder.")
    for member in members:
        _refuse_escape(member, name)
    return members


def _texts(archive: zipfile.ZipFile, name: str, suffixes: Collection[str]) -> list[zipfile.ZipInfo]:
    texts = [member for member in checked_members(archive, name) if _is_text(member, suffixes)]
    if not texts:
        raise CorpusError(f"{name} holds no text; pack one into it, or pass a text file.")
    for text in texts:
        if text.flag_bits & _ENCRYPTED:
            raise CorpusError(f"{name} is encrypted; unpack it and pass its folder.")
        if text.compress_type not in _METHODS:
            raise CorpusError(f"{name} is not compressed by deflate; unpack it and pass its folder.")
    if sum(text.file_size for text in texts) > MAX_TEXT_BYTES:
        raise CorpusError(_too_large(name))
    return sorted(texts, key=lambda text: text.filename)


def _contents(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> list[tuple[str, bytes]]:
    contents, left = [], MAX_TEXT_BYTES
    for member in members:
        with archive.open(member) as stream:
            data = stream.read(left + 1)
        left -= len(data)
        if left < 0:  # whatever sizes the archive declared
            raise CorpusError(_too_large(name))
        contents.append((member.filename, data))
    return contents


def _refuse_escape(member: zipfile.ZipInfo, name: str) -> None:
    path = PureWindowsPath(member.filename)  # knows drives and backslashes, and slashes too
    if path.drive or path.root or ".." in path.parts:
        raise CorpusError(f"{name} holds {_shown(member)}, a path that leaves the archive; do not trust it.")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise CorpusError(f"{name} holds {_shown(member)}, a symbolic link; pack the text itself.")


def _is_text(member: zipfile.ZipInfo, suffixes: Collection[str]) -> bool:
    path = PureWindowsPath(member.filename)
    hidden = path.name.startswith(".") or path.parts[:1] == ("__MACOSX",)
    return not member.is_dir() and not hidden and path.suffix.lower() in suffixes


def _shown(member: zipfile.ZipInfo) -> str:
    name = member.filename
    return repr(name if len(name) <= 60 else f"{name[:59]}…")


def _too_large(name: str) -> str:
    return f"{name} expands to more than {_LIMIT}; unpack it and pass its folder."


_LIMIT = f"{MAX_TEXT_BYTES // 2**20} MiB"
