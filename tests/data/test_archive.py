"""An archive gives its one text or one clear refusal, whatever its bytes."""

import contextlib
import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyric_lm.data import CorpusError, load_lyrics
from lyric_lm.data.archive import MAX_TEXT_BYTES, read_zipped_texts

TEXT = "分开 不分开\n"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def refusal(folder: Path, data: bytes) -> str:
    """The one-line message with which an archive is refused."""
    path = folder / "lyrics.zip"
    path.write_bytes(data)
    with pytest.raises(CorpusError) as raised:
        load_lyrics(path)
    message = str(raised.value)
    assert repr(str(path)) in message
    assert message.isprintable()
    return message


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_text_is_read_and_what_systems_add_is_not_counted(tmp_path: Path, method: int) -> None:
    path = tmp_path / "LYRICS.ZIP"
    extra = {"__MACOSX/._songs.txt": b"\0", ".hidden.txt": b"\0", "songs/": b"", "songs/cover.png": b"\0"}
    path.write_bytes(zipped({**extra, "songs/all.TXT": TEXT.encode("gb18030")}, method))

    assert load_lyrics(path, keep_newlines=True).text == TEXT


def test_an_archive_without_a_text_is_refused(tmp_path: Path) -> None:
    assert "holds no text" in refusal(tmp_path, zipped({"cover.png": b"x", "__MACOSX/a.txt": b"x"}))
    assert "holds no text" in refusal(tmp_path, zipped({}))


def test_several_texts_are_songs_in_the_order_of_their_names(tmp_path: Path) -> None:
    path = tmp_path / "lyrics.zip"
    path.write_bytes(zipped({"sub/two.txt": b"so\nfa\n", "one.lrc": b"[00:01.00]la", "cover.png": b"x"}))

    lyrics = load_lyrics(path, keep_newlines=True)

    assert lyrics.text == "la\n\nso\nfa"
    assert lyrics.song_starts.tolist() == [0, 4]


def test_a_bad_text_among_several_is_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, zipped({"one.txt": b"x", "sub/two\x1b.txt": b"\xff\xff"}))

    assert r"'sub/two\x1b.txt' in " in message


@pytest.mark.parametrize(
    "name",
    [
        "/etc/all.txt",
        "../all.txt",
        "a/../../all.txt",
        "C:/all.txt",
        "..\\all.txt",
        "\\\\host\\share\\all.txt",
    ],
)
def test_a_path_that_leaves_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    assert "a path that leaves the archive" in refusal(tmp_path, zipped({name: TEXT.encode()}))
    assert "a path that leaves the archive" in refusal(
        tmp_path, zipped({"all.txt": TEXT.encode(), name: b""})
    )


def test_more_members_than_anyone_packs_are_refused(tmp_path: Path) -> None:
    assert "more than 10000 members" in refusal(tmp_path, zipped(dict.fromkeys(map(str, range(10_001)), b"")))


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("all.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")

    assert "a symbolic link" in refusal(tmp_path, buffer.getvalue())


def test_an_encrypted_text_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"all.txt": TEXT.encode()}))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1

    assert "is encrypted" in refusal(tmp_path, bytes(data))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_cannot_be_bounded_are_refused(tmp_path: Path, method: int) -> None:
    assert "is not compressed by deflate" in refusal(tmp_path, zipped({"all.txt": TEXT.encode()}, method))


def bomb(declared: int | None) -> bytes:
    """One text a byte above the limit, whose central directory declares another size."""
    data = bytearray(zipped({"all.txt": b"a" * (MAX_TEXT_BYTES + 1)}))
    if declared is not None:
        struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, declared)
    return bytes(data)


def test_many_texts_share_the_limit(tmp_path: Path) -> None:
    half = b"a" * (MAX_TEXT_BYTES // 2 + 1)

    assert "expands to more than 64 MiB" in refusal(tmp_path, zipped({"a.txt": half, "b.txt": half}))


def test_a_bomb_is_refused_whether_it_tells_its_size_or_lies(tmp_path: Path) -> None:
    assert "expands to more than 64 MiB" in refusal(tmp_path, bomb(None))
    assert "damaged" in refusal(tmp_path, bomb(10))


def test_an_archive_above_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        file.truncate(MAX_TEXT_BYTES + 1)

    with pytest.raises(CorpusError, match="more than 64 MiB"):
        load_lyrics(path)


def test_a_member_without_a_name_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, zipped({"x": b""}).replace(b"x", b"\0"))


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    whole = zipped({"all.txt": TEXT.encode() * 99})

    for data in (b"", b"no zip", whole[:-30], whole[:50] + bytes([whole[50] ^ 0xFF]) + whole[51:]):
        assert "a damaged one" in refusal(tmp_path, data)


WHOLE = zipped({"all.txt": TEXT.encode() * 9, "sub/": b""})


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_give_the_text_or_a_corpus_error(changes: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for position, value in changes:
        data[position] = value
    with contextlib.suppress(CorpusError):
        read_zipped_texts(io.BytesIO(data), name="an archive", suffixes=[".txt"])
