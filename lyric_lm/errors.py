"""The exception tree. Each error is also a builtin one, so that a script may catch either.

LyricLMError                        everything that a user can mend
├── CorpusError (ValueError)        a text that cannot be read or is too short     } defined in
│   └── CorpusNotFoundError (FileNotFoundError)                                    } lyric_lm.data,
├── UnknownCharacterError (ValueError)  a character the vocabulary lacks           } the ground floor
├── SettingsError (ValueError)      settings that contradict each other
├── RunError (RuntimeError)         a run folder that cannot be written, read or continued
│   └── RunExistsError (FileExistsError)
└── DivergedError (ArithmeticError) the loss is no longer a number
"""

from lyric_lm.data.errors import CorpusError, CorpusNotFoundError, LyricLMError, UnknownCharacterError

__all__ = [
    "CorpusError",
    "CorpusNotFoundError",
    "DivergedError",
    "LyricLMError",
    "RunError",
    "RunExistsError",
    "SettingsError",
    "UnknownCharacterError",
]


class SettingsError(LyricLMError, ValueError):
    """Settings that contradict each other or cannot work."""


class RunError(LyricLMError, RuntimeError):
    """A run folder that cannot be written, read or continued."""


class RunExistsError(RunError, FileExistsError):
    """A run folder that already holds a run."""

    def __str__(self) -> str:
        # FileExistsError would print its errno form.
        return str(self.args[0])


class DivergedError(LyricLMError, ArithmeticError):
    """The loss is no longer a finite number."""
