"""Tables and JSON: many songs in a file, each in a field of its record."""

import csv
import io
import json
import re
from collections import Counter
from typing import Any

from lyric_lm.data.errors import CorpusError
from lyric_lm.data.readers.songs import Songs

# What people call the field or the column with the words, the surest first.
_USUAL_NAMES = "lyrics lyric text content paragraphs lines body verse poem 歌词 歌詞 正文 内容 內容 文本"
_USUAL = tuple(_USUAL_NAMES.split())
_LARGEST_CELL = 2**27  # characters


def read_table(text: str, *, name: str, column: str | None, delimiters: str) -> Songs:
    """The songs of a table with a heading: a row each, in one column.

    Args:
        text: the table.
        name: what error messages call it.
        column: its name, or its number from 1; None takes the only one, or the one named as usual.
        delimiters: characters that may part the cells; the commonest of the heading does.

    Raises:
        CorpusError: there is no such column, or none is certain; or the table is no table.
    """
    heading = text.lstrip("\n").split("\n", 1)[0]
    delimiter = max(delimiters, key=heading.count)
    before = csv.field_size_limit(_LARGEST_CELL)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    except csv.Error as error:
        raise CorpusError(f"{name} is no table ({error}); save it anew as CSV.") from error
    finally:
        csv.field_size_limit(before)
    if not rows:
        return Songs([])
    index = _column(rows[0], name, column)
    cells = [row[index].strip("\n") if index < len(row) else "" for row in rows[1:]]
    texts = [cell for cell in cells if cell.strip()]
    return Songs(texts, +Counter({"rows without text": len(cells) - len(texts)}))


def _column(heading: list[str], name: str, column: str | None) -> int:
    names = [cell.strip() for cell in heading]
    if column is not None:
        if column in names:
            return names.index(column)
        if column.isdecimal() and 1 <= int(column) <= len(names):
            return int(column) - 1
        raise CorpusError(f"{name} has no column {column!r} (column={column}): it has {_listed(names)}.")
    if len(names) == 1:
        return 0
    lower = [cell.lower() for cell in names]
    usual = next((lower.index(field) for field in _USUAL if field in lower), None)
    if usual is None:
        raise CorpusError(
            f"{name} has the columns {_listed(names)}; say which one has the words (column=...)."
        )
    return usual


def read_json(text: str, *, name: str, field: str | None) -> Songs:
    r"""The songs of a JSON file: strings, or lists of lines, in a field of each record.

    Args:
        text: the JSON, or JSON Lines: a record a line.
        name: what error messages call it.
        field: the field with the words, "data.words" for one inside another; None takes one named as usual.

    Raises:
        CorpusError: it is no JSON, or no field with words is certain.

    >>> read_json('[{"title": "雨", "paragraphs": ["雨停", "风起"]}]', name="a file", field=None).texts
    ['雨停\n风起']
    """
    try:
        records = _records(text, name)
        songs = [song for record in records for song in _find(record, name, field)]
    except RecursionError as error:
        raise CorpusError(f"{name} is nested too deeply; write its texts to a plain file.") from error
    if field is not None and not songs:
        raise CorpusError(f"{name} has no field {field!r:.40}{_fields_of(records)} (field=...).")
    texts = [song for song in songs if song.strip()]
    return Songs(texts, +Counter({"records without text": len(songs) - len(texts)}))


def _records(text: str, name: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except ValueError as error:
        failure, place = error, ""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    records = []
    if len(lines) > 1 and lines[0][1].rstrip()[-1] in '}]"':
        for number, line in lines:
            try:
                records.append(json.loads(line))
            except ValueError as error:
                failure, place, records = error, f"its line {number}, ", []
                break
    if not records:
        raise CorpusError(
            f"{name} is no JSON ({place}{failure!s:.80}); mend it, or read it as it stands (raw=True)."
        ) from failure
    return records


def _find(value: Any, name: str, field: str | None) -> list[str]:
    """The songs in a value: all that the field holds, or what is taken for words where none is named."""
    if isinstance(value, str):
        return [] if field else [value]
    if isinstance(value, list):
        if value and all(isinstance(entry, str) for entry in value):
            return [] if field else value if any("\n" in entry for entry in value) else ["\n".join(value)]
        return [song for entry in value if entry is not None for song in _find(entry, name, field)]
    if not isinstance(value, dict):
        if field:
            return []
        raise CorpusError(
            f"{name} holds {value!r:.20} where a text should be; say where they are (field=...)."
        )
    if field is not None:
        found = _looked_up(value, field)
        return _find(list(value.values()), name, field) if found is None else [_words(found, name)]
    keys = {key.lower(): key for key in reversed(value)}
    usual = next(
        (keys[key] for key in _USUAL if key in keys and isinstance(value[keys[key]], (str, list))), None
    )
    if usual is not None:
        return [_words(value[usual], name)]
    inner = [entry for entry in value.values() if isinstance(entry, (dict, list)) and entry]
    if not inner:
        raise CorpusError(
            f"{name} has the fields {_listed(list(value))}; say which has the words (field=...)."
        )
    return [song for entry in inner for song in _find(entry, name, None)]


def _looked_up(record: Any, field: str) -> Any:
    for part in [field] if field in record else field.split("."):
        record = record.get(part) if isinstance(record, dict) else None
    return record


def _words(value: Any, name: str) -> str:
    return value if isinstance(value, str) else "\n".join(_find(value, name, None))


def _fields_of(records: list[Any]) -> str:
    while isinstance(records, list) and records:
        records = records[0]
    return f": it has {_listed(list(records))}" if isinstance(records, dict) else ""


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(re.sub(r"\s+", " ", name)[:40]) for name in names[:8])
    return shown + (", …" if len(names) > 8 else "")
