"""`plain_table`: a table as text, without lines."""

import io
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDTH = 100  # columns


def plain_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, left: str = "") -> str:
    """A table of at most 100 columns.

    Args:
        headings: of the columns, each of one line or of several.
        rows: their cells, in which nothing is markup.
        left: heading of columns that begin at the left, as those without one; the others end at the right.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("", left) else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    file = io.StringIO()
    Console(file=file, width=_WIDTH, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())
