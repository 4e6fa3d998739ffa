"""Word's .docx, by python-docx."""

import io
import zipfile
from collections import Counter

from lyric_lm.data.archive import MAX_TEXT_BYTES, checked_members
from lyric_lm.data.errors import CorpusError
from lyric_lm.data.readers.songs import Songs


def read_docx(data: bytes, *, name: str) -> Songs:
    """The paragraphs of a Word document, those of its tables too, without headings.

    Args:
        data: the file.
        name: what error messages call it.

    Raises:
        CorpusError: python-docx is missing, or the file is damaged, too large or something else.
    """
    try:
        import docx
    except ModuleNotFoundError as error:
        raise CorpusError(
            f"{name} needs python-docx to be read: pip install python-docx, or save it as plain text."
        ) from error
    _refuse_bomb(data, name)
    try:
        document = docx.Document(io.BytesIO(data))
        paragraphs = [
            (paragraph.text, (paragraph.style.name if paragraph.style else "") or "")
            for paragraph in _paragraphs(document)
        ]
    except Exception as error:  # python-docx and lxml raise whatever a damaged file leads them to
        raise CorpusError(f"{name} is no Word document, or a damaged one; save it as plain text.") from error
    kept = [text for text, style in paragraphs if not style.startswith(("Heading", "Title", "Subtitle"))]
    removed = Counter({"headings": len(paragraphs) - len(kept)})
    return Songs(["\n".join(kept).strip("\n")], +removed)


def _paragraphs(document: "docx.document.Document") -> "list[docx.text.paragraph.Paragraph]":  # type: ignore[name-defined] # noqa: F821
    found = []
    for part in document.iter_inner_content():
        cells = [part] if hasattr(part, "text") else [cell for row in part.rows for cell in row.cells]
        found += [paragraph for cell in cells for paragraph in getattr(cell, "paragraphs", [cell])]
    return found


def _refuse_bomb(data: bytes, name: str) -> None:
    """Zipfile reads no more of a member than it declares, so what the members declare is the most."""
    with (
        zipfile.ZipFile(io.BytesIO(data))
        if zipfile.is_zipfile(io.BytesIO(data))
        else _no_document(name) as file
    ):
        if sum(member.file_size for member in checked_members(file, name)) > MAX_TEXT_BYTES:
            raise CorpusError(
                f"{name} expands to more than {MAX_TEXT_BYTES // 2**20} MiB; save it as plain text."
            )


def _no_document(name: str) -> zipfile.ZipFile:
    raise CorpusError(f"{name} is no Word document, or a damaged one; save it as plain text.")
