"""What songs are made of, counted by hand."""

import pytest

from lyric_lm.evaluation.song_measures import song_measures, stanzas_of
from lyric_lm.originality.copy_index import CopyIndex


def test_rhymes_lengths_and_repeats_are_shares_of_the_lines() -> None:
    stanzas = [["走在风里", "月亮很低", "不说", "春天"], ["春天", "在路上"], ["下雪天", "晴天"]]
    measures = song_measures(stanzas, unit="characters")
    # 里 and 低 rhyme; 天 and 天 are the same word, so they do not.
    assert measures.rhymed == 2 / 8
    assert measures.as_long == 4 / 8
    assert measures.distinct == 7 / 8
    assert measures.cells()[-2:] == ["-", "-"]


def test_loops_and_copies_are_shares_of_the_characters() -> None:
    measures = song_measures([["啦啦啦啦", "走在风里"]], unit="characters", index=CopyIndex("他走在风中"))
    assert measures.loops == 4 / 9
    assert measures.longest_copied_run == 3
    assert measures.copied_8 == 0


def test_stanzas_end_at_blank_lines_or_after_four_lines() -> None:
    assert stanzas_of("a\nb\n\n\nc\n \nd e\n", "\n") == [["a", "b"], ["c"], ["d e"]]
    assert stanzas_of("a\nb\nc\nd\ne\n", "\n") == [["a", "b", "c", "d"], ["e"]]
    assert stanzas_of("\x1ea\nb\nc\nd\ne\x1ef\n\ng\x1e", "\n") == [["a", "b", "c", "d"], ["e"], ["f"], ["g"]]
    assert stanzas_of(" a b  c d e", " ") == [["a", "b", "c", "d"], ["e"]]


def test_no_line_is_refused() -> None:
    with pytest.raises(ValueError, match="`stanzas`"):
        song_measures([[]], unit="characters")
