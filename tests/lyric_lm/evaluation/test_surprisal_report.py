"""The reports, read back by the parsers of the standard library."""

import csv
import io
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from lyric_lm.errors import SettingsError
from lyric_lm.evaluation.scoring import Score
from lyric_lm.evaluation.surprisal_report import to_csv, to_html, write_report

TEXT = '<a>&"夜,\n\x07 '
BITS = [0.0, 0.99, 1.0, 7.25, 14.9, 15.0, 40.0, 3.0, np.inf, 2.0]
KNOWN = np.array([True] * 5 + [False] + [True] * 4)


def score() -> Score:
    return Score("this model", np.array(BITS[: len(TEXT)]) * np.log(2), KNOWN[: len(TEXT)])


class Page(HTMLParser):
    """The coloured characters of a page: what is shown, the class and whether it is underlined."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.characters: list[tuple[str, str, bool]] = []
        self.heading = ""
        self._path: list[str] = []
        self._class = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "meta":
            return
        given = dict(attrs)
        self._path.append(given.get("class") or "text" if tag == "div" else tag)
        self._class = given.get("class") or self._class

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._path.pop()

    def handle_data(self, data: str) -> None:
        if "text" in self._path and "i" in self._path:
            self.characters.append((data, self._class, "u" in self._path))
        elif "h1" in self._path:
            self.heading += data


def test_the_table_has_a_row_for_each_character_and_survives_commas_quotes_and_line_ends() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(TEXT, score()), newline="")))

    assert "".join(row["character"] for row in rows) == TEXT
    assert [int(row["position"]) for row in rows] == list(range(1, len(TEXT) + 1))
    assert [float(row["bits"]) for row in rows] == pytest.approx(BITS[: len(TEXT)])
    assert [row["known"] == "1" for row in rows] == KNOWN[: len(TEXT)].tolist()


def test_the_page_shows_the_text_itself_and_a_colour_for_each_bit() -> None:
    page = Page(to_html(TEXT, score(), source="<song> & co"))

    assert page.heading == "Surprisal of <song> & co"
    assert "".join(shown for shown, *_ in page.characters) == TEXT.replace("\x07", "␇")
    colours = [colour for _, colour, _ in page.characters]
    assert colours == ["b0", "b0", "b1", "b7", "b14", "b15", "b15", "b3", "b15", "b2"][: len(TEXT)]
    assert [underlined for *_, underlined in page.characters] == [not known for known in KNOWN[: len(TEXT)]]


def test_the_page_is_utf8_says_so_and_loads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "page.HTML"
    write_report(path, TEXT, score(), source="夜")
    page = path.read_bytes().decode("utf-8")
    assert '<meta charset="utf-8">' in page
    assert "夜" in page
    assert not any(loading in page for loading in ("<script", "src=", "url(", "http", "<link"))


@pytest.mark.parametrize("name", ["report.txt", "report", "missing/report.csv"])
def test_a_file_name_that_cannot_work_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="--per-character"):
        write_report(tmp_path / name, TEXT, score(), source="")
    assert list(tmp_path.iterdir()) == []
