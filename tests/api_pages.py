"""Build the API pages from the docstrings: `python -m tests.api_pages`, then open build/api/index.html."""

import html
import importlib
from pathlib import Path

import pdoc.doc
import pdoc.render

from lyric_lm.cli.start import start_tensorflow
from lyric_lm.settings.comments import comments_of

FOLDER = Path(__file__).parents[1] / "build/api"
PAGES = (
    "lyric_lm",
    "lyric_lm.callbacks",
    "lyric_lm.data",
    "lyric_lm.export",
    "lyric_lm.generation",
    "lyric_lm.model.rnn_network",  # this and the next are what RNNModel inherits from
    "lyric_lm.model.stateful_model",
    "lyric_lm.settings",
    "lyric_lm.training",
    "lyric_lm.tuning",
)


def build(folder: Path) -> None:
    """Write the pages into a folder."""
    pdoc.render.configure(docformat="google")
    pages = {page: _contents(page) for page in PAGES}
    for page, module in pages.items():
        path = folder / f"{page.replace('.', '/')}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pdoc.render.html_module(module, pages), encoding="utf-8")
    (folder / "index.html").write_text(pdoc.render.html_index(pages), encoding="utf-8")
    (folder / "search.js").write_text(pdoc.render.search_index(pages), encoding="utf-8")


def _contents(page: str) -> pdoc.doc.Module:
    """What a page shows: the names in the package's `__all__`, classes as `_describe` leaves them."""
    package = importlib.import_module(page)
    for name in getattr(package, "__all__", ()):
        getattr(package, name)  # pdoc sees a name that is imported on first use once it has been used
    module = pdoc.doc.Module(package)
    for member in module.members.values():
        if isinstance(member, pdoc.doc.Class):
            _describe(member)
    return module


def _describe(cls: pdoc.doc.Class) -> None:
    """Describe fields by their comments, and take out of a class what its page cannot show.

    That is what has no description, as Keras' hooks, and what is inherited from where no page is: pdoc would
    link to it.
    """
    comments = comments_of(cls.obj)
    own = {member.name for member in cls.own_members}
    for name, member in list(cls.members.items()):
        if not member.docstring and name in own:
            member.docstring = html.escape(comments.get(name, ""), quote=False)
        has_page = name in own or member.taken_from[0] in PAGES
        if not name.startswith("_") and not (member.docstring and has_page):
            del cls.members[name]


if __name__ == "__main__":
    start_tensorflow()
    build(FOLDER)
