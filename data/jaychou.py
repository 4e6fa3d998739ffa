"""Find the book's corpus, Jay Chou's lyrics; they are under copyright, hence not part of this package."""

import hashlib
import os
from pathlib import Path

from lyric_lm.data.errors import CorpusError, CorpusNotFoundError
from lyric_lm.data.keras_home import keras_home

_FILE = "jaychou_lyrics.txt.zip"
_FOLDER_VARIABLE = "LYRIC_LM_DATA"
_SHA256 = "3cfedd7d174111cdad5a27eaffaa6a2432a2842cf2590a03dd8a97610ea07043"
_URL = f"https://raw.githubusercontent.com/d2l-ai/d2l-zh/v1.0.0/data/{_FILE}"


def find_jaychou() -> Path:
    """The path of `jaychou_lyrics.txt.zip`: in $LYRIC_LM_DATA, else in Keras' cache, downloaded if need be.

    Raises:
        CorpusNotFoundError: if it is in neither folder and cannot be downloaded.
        CorpusError: if the file in $LYRIC_LM_DATA is not the book's.
    """
    if folder := os.environ.get(_FOLDER_VARIABLE):
        path = Path(folder) / _FILE
        if digest := _digest(path):
            return _verified(path, digest)
    cache = keras_home()
    path = cache / "datasets" / _FILE
    if _digest(path) == _SHA256:  # else it is missing, or a download cut short, which is fetched again
        return path
    path = _download(cache)
    return _verified(path, _digest(path))


def _download(cache: Path) -> Path:
    import keras  # here, because its import takes seconds and most runs need no download

    try:
        return Path(keras.utils.get_file(_FILE, origin=_URL, file_hash=_SHA256, cache_dir=str(cache)))
    except Exception as error:  # get_file raises a bare Exception when it is offline
        raise CorpusNotFoundError(
            f"The Jay Chou lyrics could not be downloaded: fetch {_URL} elsewhere and put it into "
            f"{str(cache / 'datasets')!r}, or into the folder that the environment variable "
            f"{_FOLDER_VARIABLE} names."
        ) from error


def _verified(path: Path, digest: str | None) -> Path:
    if digest != _SHA256:
        raise CorpusError(
            f"{str(path)!r} is not the book's file (its SHA-256 differs): replace it by a copy of {_URL}, or "
            "move it away to have it downloaded."
        )
    return path


def _digest(path: Path) -> str | None:
    """The SHA-256 of a file in hexadecimal, or None if there is no such file to read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
