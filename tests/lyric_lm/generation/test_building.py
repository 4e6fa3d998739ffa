"""From settings to samplers and rules."""

import pytest

from lyric_lm import MaxCopy
from lyric_lm.data import load_lyrics
from lyric_lm.errors import SettingsError
from lyric_lm.generation.building import build_rules
from lyric_lm.settings.config import SamplingConfig


def test_a_copy_guard_needs_the_text_that_it_guards() -> None:
    lyrics = load_lyrics("built-in", max_chars=500)
    (rule,) = build_rules(SamplingConfig(max_copy=8), lyrics)
    assert rule == MaxCopy(lyrics.ids, 8, vocab_size=len(lyrics.vocabulary))
    with pytest.raises(SettingsError, match="`max_copy` needs the text that must not be copied"):
        build_rules(SamplingConfig(max_copy=8), None)
    assert build_rules(SamplingConfig(), None) == []
