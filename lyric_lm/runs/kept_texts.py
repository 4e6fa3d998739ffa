"""A run keeps the texts that it learnt, so that what needs them does not depend on the user's files."""

import contextlib
import gzip
import hashlib
import json
import zlib
from typing import Any

import numpy as np

from lyric_lm.data import Lyrics, Vocabulary
from lyric_lm.runs.atomic_files import write_atomically
from lyric_lm.runs.run import TEXTS, Run

MAX_KEPT_CHARS = 32_000_000
"""The most characters of both texts that a run keeps; of longer ones it knows the checksums only."""

_MAX_BYTES = 16 * MAX_KEPT_CHARS  # of the file, expanded: a character as \\ud83d\\ude00, and line numbers


def keep_texts(run: Run, training: Lyrics, validation: Lyrics | None = None) -> bool:
    """Write the texts into the run folder, compressed, unless they are there or too large.

    Returns:
        Whether the run keeps them.

    Raises:
        RunWriteError: the file cannot be written.
    """
    parts = {"training": training} | ({} if validation is None else {"validation": validation})
    size = sum(len(part.ids) for part in parts.values())
    if size > MAX_KEPT_CHARS or not all(part.is_held for part in parts.values()):
        return False
    if kept_texts(run) is not None:
        return True
    content = json.dumps({name: _described(part) for name, part in parts.items()}).encode()
    data = gzip.compress(content, compresslevel=6, mtime=0)
    write_atomically(run.path / TEXTS, lambda path: path.write_bytes(data))
    return True


def kept_texts(run: Run) -> tuple[Lyrics, Lyrics | None] | None:
    """The training and the validation text that the run keeps; None if it keeps none, or not those it learnt.

    The checksums in the run's config.json decide; so a damaged file is as good as none.

    Raises:
        RunError: config.json cannot be read.
    """
    corpus = run.record()["corpus"]
    content: Any = None
    with (
        contextlib.suppress(OSError, EOFError, RecursionError, ValueError, zlib.error),
        gzip.open(run.path / TEXTS) as file,
    ):
        content = json.loads(file.read(_MAX_BYTES))
    if not isinstance(content, dict):
        return None
    texts: dict[str, Any] = {
        name: content.get(name) for name in ("training", "validation") if corpus.get(name) is not None
    }
    if "training" not in texts or not all(_is_same(texts[name], corpus[name]) for name in texts):
        return None
    settings = run.settings().corpus
    vocabulary = Vocabulary.from_text(
        texts["training"]["text"],
        unknown="validation" in texts,
        min_count=settings.min_count,
        max_vocabulary=settings.max_vocabulary,
    )
    lyrics = {name: _lyrics(text, corpus[name], vocabulary) for name, text in texts.items()}
    return lyrics["training"], lyrics.get("validation")


def _described(lyrics: Lyrics) -> dict[str, Any]:
    return {
        "text": lyrics.text,
        "line_starts": lyrics.line_starts.tolist(),
        "song_starts": lyrics.song_starts.tolist(),
    }


def _is_same(text: Any, record: Any) -> bool:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str) or not isinstance(record, dict):
        return False
    starts = [text.get("line_starts"), text.get("song_starts")]
    size = len(text["text"])
    are_places = all(
        isinstance(places, list) and places and all(type(at) is int and 0 <= at <= size for at in places)
        for places in starts
    )
    digest = hashlib.sha256(text["text"].encode("utf-8", "surrogatepass")).hexdigest()
    return are_places and size > 0 and digest == record.get("sha256")


def _lyrics(text: dict[str, Any], record: dict[str, Any], vocabulary: Vocabulary) -> Lyrics:
    ids = vocabulary.encode(text["text"])
    ids.flags.writeable = False
    return Lyrics(
        text["text"],
        ids,
        vocabulary,
        str(record.get("source")),
        record["sha256"],
        line_starts=np.array(text["line_starts"], np.int64),
        song_starts=np.array(text["song_starts"], np.int64),
    )
