"""`cjk_font`: a font of this machine that has Chinese characters."""

import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

# How their files' names start, without spaces, hyphens and case, the most legible first: what Debian, Fedora,
# macOS and Windows install.
_NAMES = (
    *("notosanscjk", "notosanssc", "sourcehansans", "pingfang", "hiraginosansgb", "msyh"),
    *("wqymicrohei", "wqyzenhei", "droidsansfallback", "stheiti", "simhei", "notoserifcjk", "notoserifsc"),
    *("sourcehanserif", "uming", "ukai", "simsun", "arialunicode"),
)

FONT_ADVICE = "no font with Chinese characters is installed: `apt-get install fonts-noto-cjk`, say"


@functools.cache
def cjk_font() -> Path | None:
    """The file of an installed font with Chinese characters; None where there is none.

    Looked up by name, as reading the tables of every installed font would take seconds.
    """
    ranked = [(rank, file) for file in _font_files() if (rank := _rank(file)) is not None]
    return min(ranked)[1] if ranked else None


def _rank(file: Path) -> tuple[int, bool, int] | None:
    """Smaller is better: the family, then a regular weight, then the plainest name; None if unknown."""
    name = "".join(c for c in file.stem.lower() if c.isalnum())
    family = next((i for i, known in enumerate(_NAMES) if name.startswith(known)), None)
    return None if family is None else (family, "regular" not in name, len(name))


def _font_files() -> Iterator[Path]:
    for folder in _font_folders():
        for where, _, names in os.walk(folder):
            for name in names:
                if name.lower().endswith((".ttf", ".ttc", ".otf", ".otc")):
                    yield Path(where, name)


def _font_folders() -> list[Path]:
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and a user id without an entry, as in containers
        home = Path(os.devnull)  # nothing lies below it
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local")
        return [Path(os.environ.get("WINDIR", "C:/Windows"), "Fonts"), local / "Microsoft/Windows/Fonts"]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    data_home = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    return [data_home / "fonts", home / ".fonts", Path("/usr/local/share/fonts"), Path("/usr/share/fonts")]
