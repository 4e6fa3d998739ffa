"""Every share of the report against a plain search."""

import unicodedata
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyric_lm.originality.copy_index import CopyIndex
from lyric_lm.originality.measures import COPIED_NGRAMS, originality

TRAINING = "我想就这样牵着你的手不放开 爱能不能够永远单纯没有悲哀"

training_texts = st.text("ab \n", min_size=1, max_size=60)
samples = st.lists(st.text("ab \n", max_size=40), min_size=1, max_size=3).filter(any)


def ngrams(texts: list[str], n: int) -> list[str]:
    return [text[i : i + n] for text in texts for i in range(len(text) - n + 1)]


def share(part: Collection[str], whole: Collection[str]) -> float:
    return len(part) / len(whole) if whole else 0


@given(training=training_texts, texts=samples)
def test_copied_ngrams_are_those_that_a_search_finds(training: str, texts: list[str]) -> None:
    report = originality(texts, CopyIndex(training))
    assert tuple(report.copied_ngrams) == COPIED_NGRAMS
    for n, copied in report.copied_ngrams.items():
        assert copied == share([g for g in ngrams(texts, n) if g in training], ngrams(texts, n))


@given(training=training_texts, texts=samples)
def test_the_longest_copied_run_is_the_first_of_the_longest_that_a_search_finds(
    training: str, texts: list[str]
) -> None:
    report = originality(texts, CopyIndex(training))
    copied = [g for n in range(1, 41) for g in ngrams(texts, n) if g in training]
    assert report.longest_copied_run == max(map(len, copied), default=0)
    assert report.longest_copied_text == next((g for g in copied if len(g) == report.longest_copied_run), "")


@given(training=training_texts, texts=samples)
def test_copied_lines_are_those_that_a_search_finds(training: str, texts: list[str]) -> None:
    if "\n" in training + "".join(texts):
        lines = [line.strip() for text in texts for line in text.split("\n")]
    else:
        lines = [line for text in texts for line in text.split()]
    lines = [line for line in lines if len(line) >= 4]
    expected = share([line for line in lines if line in training], lines)
    assert originality(texts, CopyIndex(training)).copied_lines == expected


@given(texts=samples)
def test_distinct_counts_each_ngram_once_over_all_samples(texts: list[str]) -> None:
    report = originality(texts, CopyIndex("a"))
    assert report.distinct_1 == share(set(ngrams(texts, 1)), ngrams(texts, 1))
    assert report.distinct_2 == share(set(ngrams(texts, 2)), ngrams(texts, 2))
    assert (report.num_samples, report.num_chars) == (len(texts), sum(map(len, texts)))


def brute_force_loops(text: str) -> tuple[int, int]:
    """Which characters stand in a unit three or more times in a row, and the longest such stretch."""
    inside: set[int] = set()
    longest = 0
    for start in range(len(text)):
        for end in range(start + 3, len(text) + 1):
            stretch = text[start:end]
            if any(stretch[unit:] == stretch[:-unit] for unit in range(1, len(stretch) // 3 + 1)):
                inside.update(range(start, end))
                longest = max(longest, end - start)
    return len(inside), longest


@given(text=st.text("abc", min_size=1, max_size=20))
def test_loops_are_those_that_a_search_finds(text: str) -> None:
    report = originality(text, CopyIndex("x"))
    assert (report.loops * len(text), report.longest_loop) == pytest.approx(brute_force_loops(text))


@pytest.mark.parametrize(
    ("text", "in_loops", "longest"),
    [("分开分开分开", 6, 6), ("分开分开分", 0, 0), ("啊啊啊xy分开分开分开分", 10, 7), ("la la land", 0, 0)],
)
def test_a_unit_loops_from_its_third_time_on(text: str, in_loops: int, longest: int) -> None:
    report = originality(text, CopyIndex("x"))
    assert report.loops == in_loops / len(text)
    assert report.longest_loop == longest


def test_words_are_lines_only_where_no_text_has_newlines() -> None:
    words = "永远单纯没有悲哀 不是这样"
    assert originality(words, CopyIndex(TRAINING)).copied_lines == 0.5
    assert originality(words, CopyIndex(TRAINING + "\n")).copied_lines == 0
    assert originality([words, "\n"], CopyIndex(TRAINING)).copied_lines == 0


def test_one_text_is_measured_as_a_list_of_it() -> None:
    index = CopyIndex(TRAINING)
    assert originality(TRAINING[3:9], index) == originality([TRAINING[3:9]], index)


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


@pytest.mark.parametrize("text", [TRAINING, TRAINING * 9, "a" * 30, "x"])
def test_the_printed_report_stays_within_79_columns(text: str) -> None:
    lines = str(originality(text, CopyIndex(TRAINING * 9))).splitlines()
    assert len(lines) == 6
    assert max(map(columns, lines)) <= 79


def test_the_printed_report_shows_a_long_copy_cut_with_an_ellipsis() -> None:
    line = str(originality(TRAINING * 9, CopyIndex(TRAINING * 9))).splitlines()[1]
    assert line.startswith("longest copied run  243 characters  我想就这样牵着你的手")
    assert line.endswith("…")
    assert columns(line) >= 78


def test_the_flat_dictionary_holds_every_number_as_a_float() -> None:
    report = originality("我想就这样走", CopyIndex(TRAINING))
    values = report.as_dict()
    assert values["longest_copied_run"] == 5
    assert values["copied_4"] == pytest.approx(2 / 3)
    assert {type(value) for value in values.values()} == {float}
    assert list(values) == [
        "longest_copied_run",
        *(f"copied_{n}" for n in COPIED_NGRAMS),
        "copied_lines",
        "distinct_1",
        "distinct_2",
        "loops",
        "longest_loop",
    ]


@pytest.mark.parametrize("text", ["", [], ["", ""]])
def test_nothing_to_measure_is_an_error(text: str | list[str]) -> None:
    with pytest.raises(ValueError, match=r"`text` must hold at least one character. Received: "):
        originality(text, CopyIndex("a"))
