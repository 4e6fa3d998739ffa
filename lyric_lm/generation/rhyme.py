"""What rhymes: Mandarin by finals, English by the CMU dictionary, other words by their last letters.

Mandarin, through `pypinyin`, whose dictionary of phrases reads a character by the word that it stands in: 乐
ends in `e` in 快乐 and in `ue` in 音乐. Two ways to rhyme: by the thirteen groups of 十三辙, as in songs
(光 and 方向), or by the exact final (光 and 慌); either with the tone or without.

English, through `pronouncing` and the CMU dictionary: what is alike from the last stressed vowel on. A word
that the dictionary lacks, in any language of Latin letters, rhymes by its spelling from the last vowels on;
a word in other letters by its last two, in kana or Hangul by the last one. What is in Latin letters is read
as English.
"""

import dataclasses
import functools
import re
import unicodedata
from typing import Literal

By = Literal["group", "final"]
Unit = Literal["characters", "syllables"]

# 十三辙, the thirteen groups of rhymes of northern songs and opera, each by its traditional name.
_GROUPS = {
    "fa-hua": "a ia ua",
    "suo-bo": "o e uo io",
    "mie-xie": "ie ve ue ê",
    "yi-qi": "i -i v er",
    "gu-su": "u",
    "huai-lai": "ai uai",
    "hui-dui": "ei uei ui",
    "yao-tiao": "ao iao",
    "you-qiu": "ou iou iu",
    "yan-qian": "an ian uan van",
    "ren-chen": "en in uen un vn",
    "jiang-yang": "ang iang uang",
    "zhong-dong": "eng ing ueng ong iong",
}
_GROUP_OF = {final: name for name, finals in _GROUPS.items() for final in finals.split()}
_BUZZING = ("z", "c", "s", "zh", "ch", "sh", "r")  # initials after which `i` is another vowel: 四 against 西
_HAN = ("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "IDEOGRAPHIC NUMBER")
_SYLLABIC = ("HIRAGANA", "KATAKANA", "HANGUL")  # scripts where one character is a syllable
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_VOWELS = "aeiouy"


@dataclasses.dataclass(frozen=True)
class Sound:
    """How a text ends, as far as rhyme goes; two of the same kind rhyme or do not."""

    sounds: frozenset[str]  # known pronunciations of the ending; empty where no dictionary has the word
    letters: str = ""  # its spelling, for a word that is compared with one that no dictionary has

    def __str__(self) -> str:
        return "/".join(sorted(self.sounds)) or (f"-{self.letters}" if self.letters else "-")

    def rhymes_with(self, other: "Sound") -> bool:
        """Whether both end alike.

        >>> sound_of("night").rhymes_with(sound_of("kite")), sound_of("love").rhymes_with(sound_of("move"))
        (True, False)
        """
        if self.sounds and other.sounds:
            return not self.sounds.isdisjoint(other.sounds)
        return bool(self.letters) and self.letters == other.letters


@functools.lru_cache(maxsize=4096)
def sound_of(text: str, *, by: By = "group", tones: bool = False) -> Sound:
    """How a text ends.

    Args:
        text: a line or a word; its last letter decides in which way it rhymes.
        by: for Mandarin, "group" (十三辙) or "final".
        tones: for Mandarin, whether the tones must be the same, too.

    Returns:
        Its ending; one that rhymes with nothing where the text has no letter, or a Chinese character that
        nobody knows how to read.

    >>> str(sound_of("快乐")), str(sound_of("音乐")), str(sound_of("光", by="final", tones=True))
    ('suo-bo', 'mie-xie', 'uang1')
    """
    text = text[: _letters_end(text)]
    if not text:
        return Sound(frozenset())
    if is_han(text[-1]):
        return Sound(frozenset(_mandarin(text, by, tones)))
    words = _WORD.findall(text)
    word = unicodedata.normalize("NFC", words[-1] if words else text[-1]).casefold().replace("’", "'")
    return Sound(_english(word), _tail(word))


@functools.lru_cache(maxsize=65536)
def possible_sounds(character: str, *, by: By, tones: bool) -> frozenset[str]:
    """The sounds of a Chinese character, whatever word it stands in; empty for any other character."""
    if not is_han(character):
        return frozenset()
    from pypinyin import Style, pinyin

    initials = pinyin(character, Style.INITIALS, heteronym=True, strict=True)[0]
    finals = pinyin(character, Style.FINALS_TONE3, heteronym=True, strict=True)[0]
    # The two lists drop repeats each for itself, so which initial goes with which final is not known.
    return frozenset(s for i in initials for f in finals for s in _sound(i, f, by, tones))


def last_word(text: str) -> str:
    """What a line ends in: a character where one is a syllable, else a word; "" where there is no letter.

    >>> last_word("走在风中！"), last_word("Let it be.")
    ('中', 'be')
    """
    text = text[: _letters_end(text)]
    if not text or is_han(text[-1]) or _is_syllabic(text[-1]):
        return text[-1:]
    words = _WORD.findall(text)
    return words[-1].casefold() if words else text[-1]


def line_length(text: str, unit: Unit) -> int:
    """How long a line is, spaces and punctuation aside.

    Args:
        text: a line.
        unit: "characters": letters and digits; "syllables": by the CMU dictionary, else by groups of vowels;
            a Chinese character, a kana, a Hangul syllable and a digit are one each.

    >>> line_length("我说 baby，走吧", "characters"), line_length("Yesterday, once more", "syllables")
    (8, 5)
    """
    if unit == "characters":
        return sum(map(counts, text))
    length = sum(is_han(char) or _is_syllabic(char) or char.isdigit() for char in text)
    words = _WORD.findall("".join(" " if is_han(char) or _is_syllabic(char) else char for char in text))
    return length + sum(map(_syllables, words))


def counts(character: str) -> bool:
    """Whether a character counts in a line's length: a letter or a digit does."""
    return unicodedata.category(character)[0] in "LN"


@functools.lru_cache(maxsize=65536)
def is_han(character: str) -> bool:
    """Whether a character is a Chinese one."""
    return unicodedata.name(character, "").startswith(_HAN)


def unit_of(characters: tuple[str, ...]) -> Unit:
    """What the lines of a text of such characters are measured in: syllables where most letters are Latin."""
    names = [unicodedata.name(char, "") for char in characters if char.isalpha()]
    latin = sum(name.startswith("LATIN") for name in names)
    return "syllables" if 2 * latin > len(names) else "characters"


def _letters_end(text: str) -> int:
    """Where the last letter or digit ends."""
    end = len(text)
    while end and not counts(text[end - 1]):
        end -= 1
    return end


def _is_syllabic(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_SYLLABIC)


def _mandarin(text: str, by: By, tones: bool) -> set[str]:
    from pypinyin import Style, pinyin

    run = re.search(r"\S*$", text[-24:])  # phrases do not reach over a space, nor so far
    piece = run.group() if run else text
    initial = pinyin(piece, Style.INITIALS, strict=True)[-1][0]
    final = pinyin(piece, Style.FINALS_TONE3, strict=True)[-1][0]
    return _sound(initial, final, by, tones)


def _sound(initial: str, final: str, by: By, tones: bool) -> set[str]:
    bare = final.rstrip("012345")
    if bare == "i" and initial in _BUZZING:
        final = "-" + final
        bare = "-i"
    if bare not in _GROUP_OF:
        return set()  # 嗯 and the like, or a character without a reading
    tone = final[len(bare) :] if tones else ""
    return {(_GROUP_OF[bare] if by == "group" else bare) + tone}


def _english(word: str) -> frozenset[str]:
    import pronouncing

    if not word.isascii():
        return frozenset()
    # A word's last stress, main or secondary, is where its rhyme begins; which of the two does not matter.
    parts = (pronouncing.rhyming_part(phones) for phones in pronouncing.phones_for_word(word))
    return frozenset(re.sub(r"\d", "", part) for part in parts)


def _tail(word: str) -> str:
    """The spelling from the last vowels on, a silent e aside; without vowels of ours the last two letters."""
    if _is_syllabic(word[-1]):
        return word[-1]
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    found = re.search(rf"[{_VOWELS}]+[^{_VOWELS}]*e?$", bare)
    return found.group() if found else word[-2:]


def _syllables(word: str) -> int:
    import pronouncing

    word = word.casefold().replace("’", "'")
    if known := pronouncing.phones_for_word(word):
        return int(pronouncing.syllable_count(known[0]))
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    groups = re.findall(rf"[{_VOWELS}]+", re.sub(rf"(?<=[^{_VOWELS}])e$", "", bare))
    return max(1, len(groups))
