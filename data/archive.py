"""Read the one text of a zip archive, without trusting the archive."""

import stat
import struct
import zipfile
import zlib
from pathlib import PureWindowsPath
from typing import BinaryIO

from lyric_lm.data.errors import CorpusError

MAX_TEXT_BYTES = 64 * 2**20
"""The most bytes that a zipped text may expand to, and the most that the archive itself may take."""

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


def read_zipped_text(file: BinaryIO, *, name: str) -> bytes:
    """The bytes of the only `.txt` in a zip archive; nothing is ever written to disk.

    Folders, files whose name starts with a dot and what macOS adds (`__MACOSX/`) do not count.

    Args:
        file: the archive, open for reading.
        name: what error messages call it.

    Returns:
        At most `MAX_TEXT_BYTES` bytes.

    Raises:
        CorpusError: if there is no text or more than one; if it is encrypted, larger than the limits or
            compressed by another method than deflate; if a member is a link or its path leaves the archive;
            if the archive is damaged.
    """
    if file.seek(0, 2) > MAX_TEXT_BYTES:
        raise CorpusError(f"{name} is an archive of more than {_LIMIT}; unpack it and pass the text file.")
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            member = _only_text(archive.infolist(), name)
            with archive.open(member) as stream:
                data = stream.read(MAX_TEXT_BYTES + 1)
    except CorpusError:
        raise
    except _DAMAGE as error:
        raise CorpusError(f"{name} is no zip archive, or a damaged one ({error}); pack it anew.") from error
    if len(data) > MAX_TEXT_BYTES:  # whatever size the archive declared
        raise CorpusError(_too_large(name))
    return data


def _only_text(members: list[zipfile.ZipInfo], name: str) -> zipfile.ZipInfo:
    if len(members) > _MAX_MEMBERS:
        raise CorpusError(f"{name} has more than {_MAX_MEMBERS} members; unpack it and pass the text file.")
    for member in members:
        _refuse_escape(member, name)
    texts = [member for member in members if _is_text(member)]
    if not texts:
        raise CorpusError(f"{name} holds no .txt; pack exactly one into it, or pass a text file.")
    if len(texts) > 1:
        shown = ", ".join(_shown(text) for text in texts[:5]) + (", …" if len(texts) > 5 else "")
        raise CorpusError(f"{name} holds {len(texts)} texts ({shown}); pack one alone, or pass a text file.")
    text = texts[0]
    if text.flag_bits & _ENCRYPTED:
        raise CorpusError(f"{name} is encrypted; unpack it and pass the text file.")
    if text.compress_type not in _METHODS:
        raise CorpusError(f"{name} is not compressed by deflate; unpack it and pass the text file.")
    if text.file_size > MAX_TEXT_BYTES:
        raise CorpusError(_too_large(name))
    return text


def _refuse_escape(member: zipfile.ZipInfo, name: str) -> None:
    path = PureWindowsPath(member.filename)  # knows drives and backslashes, and slashes too
    if path.drive or path.root or ".." in path.parts:
        raise CorpusError(f"{name} holds {_shown(member)}, a path that leaves the archive; do not trust it.")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise CorpusError(f"{name} holds {_shown(member)}, a symbolic link; pack the text itself.")


def _is_text(member: zipfile.ZipInfo) -> bool:
    path = PureWindowsPath(member.filename)
    hidden = path.name.startswith(".") or path.parts[:1] == ("__MACOSX",)
    return not member.is_dir() and not hidden and path.suffix.lower() == ".txt"


def _shown(member: zipfile.ZipInfo) -> str:
    name = member.filename
    return repr(name if len(name) <= 60 else f"{name[:59]}…")


def _too_large(name: str) -> str:
    return f"{name} expands to more than {_LIMIT}; unpack it and pass the text file."


_LIMIT = f"{MAX_TEXT_BYTES // 2**20} MiB"
