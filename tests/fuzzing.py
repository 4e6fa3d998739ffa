"""Feed mutated bytes to everything that reads a file of ours; run by test_fuzzing.py, or by hand.

python tests/fuzzing.py -max_total_time=600 <folder for what it finds interesting>
"""

import contextlib
import hashlib
import io
import json
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(  # pyright: ignore[reportAttributeAccessIssue]
    include=["lyric_lm"]
):
    import lyric_lm.data.archive
    import lyric_lm.data.encoding
    import lyric_lm.data.loading
    import lyric_lm.data.readers
    import lyric_lm.data.readers.options
    import lyric_lm.runs.checkpoint_values
    import lyric_lm.runs.checkpoints
    import lyric_lm.runs.run
    import lyric_lm.settings.config
    from lyric_lm.errors import LyricLMError

FOLDER = Path(tempfile.mkdtemp())


def read_text(data: bytes) -> None:
    path = FOLDER / "corpus.txt"
    path.write_bytes(data)
    lyrics = lyric_lm.data.loading.load_lyrics(path)
    assert lyrics.vocabulary.decode(lyrics.ids) == lyrics.text


def read_zip(data: bytes) -> None:
    lyric_lm.data.archive.read_zipped_texts(
        io.BytesIO(data), name="a file", suffixes=lyric_lm.data.readers.SUFFIXES
    )


def read_kind(data: bytes) -> None:
    """A file of any kind; the first byte picks its suffix, also a compressed one."""
    kinds = (*lyric_lm.data.readers.SUFFIXES, ".gz", ".bz2", ".zst", ".zip")
    path = FOLDER / f"corpus{kinds[data[0] % len(kinds)] if data else '.txt'}"
    path.write_bytes(data[1:])
    try:
        lyrics = lyric_lm.data.loading.load_lyrics(path)
    finally:
        path.unlink()
    assert lyrics.vocabulary.decode(lyrics.ids) == lyrics.text


def read_checkpoint(data: bytes) -> None:
    lyric_lm.runs.checkpoints.decode_checkpoint(data)


def read_signed_checkpoint(data: bytes) -> None:
    """As someone would send who knows the format: with a length and a checksum that match."""
    header, _, arrays = data.partition(b"\0")
    body = b"LYRICCKP" + len(header).to_bytes(8, "little") + header + arrays
    checkpoint = lyric_lm.runs.checkpoints.decode_checkpoint(body + hashlib.sha256(body).digest())
    lyric_lm.runs.checkpoints.encode_checkpoint(checkpoint)


def read_config(data: bytes) -> None:
    (FOLDER / "config.json").write_bytes(data)
    config = lyric_lm.runs.run.Run.open(FOLDER).settings()
    assert lyric_lm.settings.config.TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


READERS = [read_text, read_zip, read_checkpoint, read_signed_checkpoint, read_config, read_kind]


def read_any(data: bytes) -> None:
    """The first byte picks the reader; any error but one of ours ends the fuzzing with a report."""
    with contextlib.suppress(LyricLMError):
        READERS[data[0] % len(READERS) if data else 0](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, read_any)
    atheris.Fuzz()
