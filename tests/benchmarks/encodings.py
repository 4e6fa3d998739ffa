"""How often an encoding is recognised: ours beside charset-normalizer, over encodings and lengths of text.

python tests/benchmarks/encodings.py [--excerpts 10]

Prints the tables of data/README.md. An excerpt is right if the text comes out as it was, wrong if another
text does, and refused if none does.
"""

import argparse
import json
import random
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import charset_normalizer
from opencc import OpenCC

from lyric_lm.data import CorpusError
from lyric_lm.data.encoding import decode_text
from lyric_lm.data.loading import read_text

# A few lines in each language, written for this benchmark.
LANGUAGES = Path(__file__).with_name("languages.json")
LENGTHS = (20, 60, 200, 600, 2000)  # characters

# Each encoding with the languages that are written in it.
ENCODINGS: dict[str, tuple[str, ...]] = {
    "utf-8": ("simplified", "Japanese", "Korean", "French", "Russian", "Vietnamese"),
    "utf-8-sig": ("simplified", "German"),
    "utf-16": ("simplified", "Greek"),
    "utf-16-le": ("simplified", "Japanese", "Korean", "English", "Russian"),
    "utf-16-be": ("traditional", "Japanese", "Korean", "English", "Russian"),
    "utf-32": ("simplified", "Thai"),
    "gb2312": ("simplified",),
    "gbk": ("simplified", "traditional"),
    "gb18030": ("simplified", "traditional"),
    "hz": ("simplified",),
    "big5": ("traditional",),
    "cp950": ("traditional",),
    "big5hkscs": ("traditional",),
    "euc_jp": ("Japanese",),
    "shift_jis": ("Japanese",),
    "cp932": ("Japanese",),
    "iso2022_jp": ("Japanese",),
    "euc_kr": ("Korean",),
    "cp949": ("Korean",),
    "johab": ("Korean",),
    "iso2022_kr": ("Korean",),
    "cp1252": ("English", "French", "German", "Spanish", "Portuguese", "Swedish"),
    "latin-1": ("German", "Spanish", "Portuguese", "Swedish"),
    "iso8859-15": ("French", "German"),
    "mac-roman": ("English", "French", "German", "Spanish"),
    "cp850": ("German", "Spanish", "Swedish"),
    "cp437": ("German", "Swedish"),
    "cp1250": ("Polish", "Czech", "Hungarian", "Romanian"),
    "iso8859-2": ("Polish", "Czech", "Hungarian", "Romanian"),
    "cp852": ("Polish", "Czech", "Hungarian"),
    "mac-latin2": ("Polish", "Czech", "Hungarian"),
    "cp1254": ("Turkish",),
    "iso8859-9": ("Turkish",),
    "cp1257": ("Lithuanian",),
    "iso8859-13": ("Lithuanian",),
    "cp1251": ("Russian", "Ukrainian"),
    "koi8-r": ("Russian",),
    "koi8-u": ("Ukrainian",),
    "cp866": ("Russian",),
    "iso8859-5": ("Russian", "Ukrainian"),
    "mac-cyrillic": ("Russian", "Ukrainian"),
    "cp1253": ("Greek",),
    "iso8859-7": ("Greek",),
    "cp1255": ("Hebrew",),
    "iso8859-8": ("Hebrew",),
    "cp1256": ("Arabic",),
    "iso8859-6": ("Arabic",),
    "tis-620": ("Thai",),
    "cp874": ("Thai",),
    "cp1258": ("Vietnamese",),
}


def texts() -> dict[str, str]:
    """A text of some thousand characters in each language."""
    chinese = read_text("built-in")[:6_000]
    found = {"simplified": chinese, "traditional": OpenCC("s2t").convert(chinese)}
    for language, song in json.loads(LANGUAGES.read_text(encoding="utf-8")).items():
        sentences = song.replace("。", "。|").replace(". ", ". |").split("|")
        drawn = random.Random(language).choices(sentences, k=80)
        found[language] = "\n".join(sentence.strip() for sentence in [*sentences, *drawn])
    return found


def excerpts(text: str, encoding: str, length: int, count: int) -> list[tuple[str, bytes]]:
    """Pieces of a text with at least one character beyond ASCII, and their bytes."""
    if encoding == "cp1258":  # most marks stand alone in it
        text = unicodedata.normalize("NFD", text)
        for composed in "ăâêôơưđĂÂÊÔƠƯĐ":
            text = text.replace(unicodedata.normalize("NFD", composed), composed)
    text = "".join(c for c in text if c.encode(encoding, "ignore") or c in "\n ")
    random_ = random.Random(f"{encoding} {length}")
    found: list[tuple[str, bytes]] = []
    while len(found) < count:
        start = random_.randrange(max(1, len(text) - length))
        piece = text[start : start + length]
        if not piece.isascii():
            found.append((piece, piece.encode(encoding)))
    return found


def ours(data: bytes) -> str | None:
    try:
        return decode_text(data, name="it").text
    except CorpusError:
        return None


def theirs(data: bytes) -> str | None:
    best = charset_normalizer.from_bytes(data).best()
    return None if best is None else str(best)


def judged(recognise: Callable[[bytes], str | None], piece: str, data: bytes) -> str:
    text = recognise(data)
    if text is None:
        return "refused"
    return "right" if text.removeprefix("\ufeff") == piece else "wrong"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--excerpts", type=int, default=10)
    parser.add_argument("--only", default="")
    parser.add_argument("--ours", action="store_true")
    args = parser.parse_args()
    corpus = texts()
    total: dict[tuple[str, int], Counter[str]] = {}
    print("| characters in the excerpt | " + " | ".join(f"{length}" for length in LENGTHS) + " |")
    print("|---|" + "---|" * len(LENGTHS))
    for encoding, languages in ENCODINGS.items():
        if args.only and args.only not in encoding:
            continue
        cells = []
        for length in LENGTHS:
            here = {"ours": Counter[str](), "theirs": Counter[str]()}
            for language in languages:
                count = -(-args.excerpts // len(languages))
                for piece, data in excerpts(corpus[language], encoding, length, count):
                    for name, recognise in (("ours", ours), ("theirs", theirs)):
                        if name == "ours" or not args.ours:
                            here[name][judged(recognise, piece, data)] += 1
            for name in here:
                total.setdefault((name, length), Counter()).update(here[name])
            cells.append(", ".join(shown(here[name]) for name in ("ours", "theirs")))
        print(f"| {encoding} | " + " | ".join(cells) + " |", flush=True)
    for name in ("ours", "theirs"):
        print(f"| {name} | " + " | ".join(shown(total[name, length]) for length in LENGTHS) + " |")


def shown(counts: Counter[str]) -> str:
    """Per cent right and, behind it, wrong."""
    number = max(1, sum(counts.values()))
    return f"{100 * counts['right'] / number:.0f} ({100 * counts['wrong'] / number:.0f})"


if __name__ == "__main__":
    main()
