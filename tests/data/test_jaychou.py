"""Where the book's corpus is looked for; nothing here touches the network."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

from lyric_lm.data import CorpusError, CorpusNotFoundError, load_lyrics

FILE = "jaychou_lyrics.txt.zip"
ORIGINAL = Path(os.environ.get("LYRIC_LM_DATA", ""), FILE)
needs_the_file = pytest.mark.skipif(not ORIGINAL.is_file(), reason="needs $LYRIC_LM_DATA")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No network, no $LYRIC_LM_DATA, and an empty Keras home, which is returned."""

    def fail(*_: Any, **__: Any) -> str:
        raise Exception("URL fetch failure on https://...")

    monkeypatch.setattr(keras.utils, "get_file", fail)
    monkeypatch.delenv("LYRIC_LM_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras"


def test_offline_one_sentence_says_where_to_put_the_file(offline: Path) -> None:
    with pytest.raises(CorpusNotFoundError) as raised:
        load_lyrics("jaychou")

    message = str(raised.value)
    assert "\n" not in message
    for shown in (FILE, repr(str(offline / "datasets")), "LYRIC_LM_DATA"):
        assert shown in message


@pytest.mark.usefixtures("offline")
def test_a_folder_without_the_file_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LYRIC_LM_DATA", str(tmp_path))

    with pytest.raises(CorpusNotFoundError, match="could not be downloaded"):
        load_lyrics("jaychou")


@pytest.mark.usefixtures("offline")
def test_another_file_of_that_name_in_the_folder_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_bytes(b"another file")
    monkeypatch.setenv("LYRIC_LM_DATA", str(tmp_path))

    with pytest.raises(CorpusError, match="is not the book's file") as raised:
        load_lyrics("jaychou")

    assert not isinstance(raised.value, CorpusNotFoundError)
    assert str(tmp_path / FILE) in str(raised.value)


def a_download(to: Path, data: bytes, calls: list[dict[str, Any]]) -> Callable[..., str]:
    def get_file(name: str, **arguments: Any) -> str:
        calls.append(arguments)
        to.mkdir(parents=True, exist_ok=True)
        (to / name).write_bytes(data)
        return str(to / name)

    return get_file


def test_a_download_that_is_another_file_is_refused(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(keras.utils, "get_file", a_download(offline / "datasets", b"login page", calls))

    with pytest.raises(CorpusError, match="is not the book's file"):
        load_lyrics("jaychou")

    assert calls[0]["file_hash"].startswith("3cfedd7d")
    assert calls[0]["cache_dir"] == str(offline)


@needs_the_file
def test_a_damaged_file_in_the_cache_is_downloaded_anew(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []
    (offline / "datasets").mkdir(parents=True)
    (offline / "datasets" / FILE).write_bytes(ORIGINAL.read_bytes()[:999])
    monkeypatch.setattr(
        keras.utils, "get_file", a_download(offline / "datasets", ORIGINAL.read_bytes(), calls)
    )

    assert len(load_lyrics("jaychou").text) == 63_282
    assert len(load_lyrics("jaychou").text) == 63_282
    assert len(calls) == 1


@needs_the_file
def test_the_file_is_found_in_the_cache_without_the_network(offline: Path) -> None:
    (offline / "datasets").mkdir(parents=True)
    (offline / "datasets" / FILE).symlink_to(ORIGINAL)

    assert load_lyrics("jaychou").source == "jaychou"


@needs_the_file
def test_the_books_corpus_has_the_books_numbers() -> None:
    assert len(load_lyrics("jaychou").text) == 63_282
    assert load_lyrics("jaychou").text.startswith("想要有直升机 想要和你飞到宇宙去")
    assert len(load_lyrics("jaychou", max_chars=10_000).vocabulary) == 1_027
