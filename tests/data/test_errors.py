"""Errors are ours and builtin ones, and print as one sentence."""

import pickle

import pytest

from lyric_lm.data import CorpusError, CorpusNotFoundError, LyricLMError, UnknownCharacterError


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (CorpusError, ValueError),
        (CorpusNotFoundError, FileNotFoundError),
        (CorpusNotFoundError, CorpusError),
        (UnknownCharacterError, ValueError),
    ],
)
def test_each_error_is_ours_and_a_builtin_one(error: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(error, LyricLMError)
    assert issubclass(error, builtin)


@pytest.mark.parametrize("error", [CorpusError, CorpusNotFoundError, UnknownCharacterError])
def test_an_error_prints_as_its_sentence_also_after_pickling(error: type[Exception]) -> None:
    raised = error("One plain sentence.")

    assert str(raised) == "One plain sentence."
    assert str(pickle.loads(pickle.dumps(raised))) == "One plain sentence."


def test_the_offending_characters_survive_pickling() -> None:
    raised = UnknownCharacterError("One plain sentence.", characters="囍x")

    assert pickle.loads(pickle.dumps(raised)).characters == "囍x"
