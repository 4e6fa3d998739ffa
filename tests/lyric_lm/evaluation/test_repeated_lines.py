"""Lines that a training text has, too."""

from pathlib import Path

import pytest

from lyric_lm.data import load_lyrics
from lyric_lm.evaluation.repeated_lines import repeated_lines


@pytest.mark.parametrize("keep_newlines", [False, True])
def test_lines_of_the_training_text_are_found_whatever_their_ends(
    tmp_path: Path, keep_newlines: bool
) -> None:
    for name, text in {
        "learnt": "la la\n不分开\nde da\n",
        "scored": "不分开\n\nla\n  la la \n新\n不分开",
    }.items():
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    learnt, scored = (
        load_lyrics(tmp_path / f"{name}.txt", keep_newlines=keep_newlines) for name in ("learnt", "scored")
    )

    found = repeated_lines(scored, learnt)

    assert (found.num_lines, found.num_repeated) == (5, 3)
    new = "".join(c for c, is_new in zip(scored.text, found.is_new, strict=True) if is_new)
    assert new.split() == ["la", "新"]
