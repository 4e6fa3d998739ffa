"""What can go wrong with a text, each error with its cure in the message.

    LyricLMError                          every error that a user can mend
    ├── CorpusError (ValueError)          a text that cannot be read, or is too short for what is asked of it
    │   └── CorpusNotFoundError (FileNotFoundError)
    └── UnknownCharacterError (ValueError)   a character that the vocabulary lacks

Each is also the builtin error beside it, so `except ValueError` works as anywhere else.
"""


class LyricLMError(Exception):
    """An error that a user can mend; its message is one sentence that names the cure."""


class CorpusError(LyricLMError, ValueError):
    """A text cannot be read, or is too short for what is asked of it."""


class CorpusNotFoundError(CorpusError, FileNotFoundError):
    """There is no such text.

    Raise it with the message alone: given `errno` and `filename` too, `OSError` would print "[Errno 2] ...".
    """


class UnknownCharacterError(LyricLMError, ValueError):
    """A text holds characters that the vocabulary lacks.

    Attributes:
        characters: the offending characters, each once, in order of appearance.
    """

    def __init__(self, message: str, *, characters: str = "") -> None:
        super().__init__(message)  # `args` holds the message alone, so that the error can be pickled
        self.characters = characters
