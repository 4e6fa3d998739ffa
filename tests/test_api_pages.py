"""The API pages: each public name is described, and each link and dotted name leads somewhere."""

import html.parser
import importlib
import inspect
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.api_pages import PAGES, build

ROOT = Path(__file__).parents[1]
_DOTTED = re.compile(r"`(lyric_lm(?:\.\w+)+)")


class Links(html.parser.HTMLParser):
    """The links of a page, and the places in it that links may lead to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            if name == "href" and value and tag == "a":
                self.links.append(unquote(value))


@pytest.mark.parametrize("page", PAGES)
def test_each_public_name_is_described(page: str) -> None:
    package = importlib.import_module(page)
    defined = [name for name, thing in vars(package).items() if getattr(thing, "__module__", None) == page]
    names = getattr(package, "__all__", [name for name in defined if not name.startswith("_")])

    assert inspect.getdoc(package)
    assert names
    for name in names:
        thing = getattr(package, name)
        assert thing.__doc__, name
        for attribute, value in vars(thing).items() if inspect.isclass(thing) else ():
            if not attribute.startswith("_") and is_method(value) and not is_foreign_hook(thing, attribute):
                assert inspect.getdoc(getattr(thing, attribute)), f"{name}.{attribute}"


def is_method(value: object) -> bool:
    return inspect.isfunction(value) or isinstance(value, (classmethod, staticmethod, property))


def is_foreign_hook(cls: type, name: str) -> bool:
    """Whether a method takes the place of somebody else's, who described it, or not."""
    return any(name in vars(base) for base in cls.__mro__ if not base.__module__.startswith("lyric_lm"))


def test_every_package_with_public_names_has_a_page() -> None:
    packages = {
        ".".join(["lyric_lm", *path.parent.relative_to(ROOT).parts[path.is_relative_to(ROOT / "lyric_lm") :]])
        for folder in ("callbacks", "data", "lyric_lm", "tuning")
        for path in (ROOT / folder).rglob("__init__.py")
        if "__all__" in path.read_text(encoding="utf-8")
    }
    # The command's pages are its help; the model's only name, `RNNModel`, is on the front page; and readers
    # are what `load_lyrics` is made of.
    assert packages - {"lyric_lm.cli", "lyric_lm.model", "lyric_lm.data.readers"} <= set(PAGES)


def test_the_links_between_the_pages_lead_somewhere(tmp_path: Path) -> None:
    build(tmp_path)

    pages = {path: Links(path) for path in tmp_path.rglob("*.html")}
    assert len(pages) == len(PAGES) + 1
    for page, found in pages.items():
        for link in found.links:
            if re.match(r"[a-z]+:", link):
                continue
            file, _, place = link.partition("#")
            target = (page.parent / file).resolve() if file else page
            if target == tmp_path / "index.html":
                continue
            assert target in pages, f"{page.name}: {link}"
            assert not place or place in pages[target].places, f"{page.name}: {link}"


@pytest.mark.parametrize("pattern", ["**/*.py", "**/*.md"])
def test_the_names_of_ours_in_docstrings_and_pages_exist(pattern: str) -> None:
    for folder in ("callbacks", "data", "lyric_lm", "tuning"):
        for path in (ROOT / folder).rglob(pattern):
            for dotted in _DOTTED.findall(path.read_text(encoding="utf-8")):
                assert _exists(dotted), f"{path.relative_to(ROOT)}: {dotted}"


def _exists(dotted: str) -> bool:
    """Whether a dotted name is that of a module, or of something in one."""
    names = dotted.split(".")
    for end in range(len(names), 0, -1):
        try:
            found: object = importlib.import_module(".".join(names[:end]))
        except ModuleNotFoundError:
            continue
        for name in names[end:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False
