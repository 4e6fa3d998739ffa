"""The exception tree. Each error is also a builtin one, so that a script may catch either.

LyricLMError                        everything that a user can mend
├── CorpusError (ValueError)        a text that cannot be read or is too short     } defined in
│   └── CorpusNotFoundError (FileNotFoundError)                                    } lyric_lm.data,
├── UnknownCharacterError (ValueError)  a character the vocabulary lacks           } the ground floor
├── BackendError (RuntimeError)     Keras runs on another backend than TensorFlow
├── SettingsError (ValueError)      settings that contradict each other
├── RunError (RuntimeError)         a run folder that cannot be written, read or continued
│   ├── RunExistsError (FileExistsError)
│   ├── RunLockedError (BlockingIOError)    another training or search is in the folder
│   ├── RunMismatchError (ValueError)       another corpus or other settings than the run's
│   ├── CheckpointError (ValueError)        a checkpoint that is damaged or of another model
│   └── RunWriteError (OSError)             the disk's fault, not the user's: exit status 1
├── SearchError (RuntimeError)      a search that cannot go on
│   └── SearchServiceError (ConnectionError)    its chief or its workers cannot be reached
├── ClusterError (ConnectionError)  another worker of a training on several machines is gone
├── ExportError (RuntimeError)      a model that cannot be exported, or not to that folder
└── DivergedError (ArithmeticError) the loss is no longer a number
"""

from lyric_lm.data.errors import CorpusError, CorpusNotFoundError, LyricLMError, UnknownCharacterError

__all__ = [
    "BackendError",
    "CheckpointError",
    "ClusterError",
    "CorpusError",
    "CorpusNotFoundError",
    "DivergedError",
    "ExportError",
    "LyricLMError",
    "RunError",
    "RunExistsError",
    "RunLockedError",
    "RunMismatchError",
    "RunWriteError",
    "SearchError",
    "SearchServiceError",
    "SettingsError",
    "UnknownCharacterError",
]


class BackendError(LyricLMError, RuntimeError):
    """Keras runs, or is told to run, on another backend than TensorFlow."""


class SettingsError(LyricLMError, ValueError):
    """Settings that contradict each other or cannot work."""


class RunError(LyricLMError, RuntimeError):
    """A run folder that cannot be written, read or continued."""


class RunExistsError(RunError, FileExistsError):
    """A run folder that already holds a run."""

    def __str__(self) -> str:
        # FileExistsError would print its errno form.
        return str(self.args[0])


class RunLockedError(RunError, BlockingIOError):
    """A folder that another training or search is writing to."""


class RunMismatchError(RunError, ValueError):
    """A corpus or settings that are not the run's."""


class CheckpointError(RunError, ValueError):
    """A checkpoint that is damaged, from a later version, or of another model."""


class RunWriteError(RunError, OSError):
    """The disk refuses: full, read-only or gone. The last good state stays as it was."""


class SearchError(LyricLMError, RuntimeError):
    """A search that cannot go on; what it finished is kept."""


class SearchServiceError(SearchError, ConnectionError):
    """The chief or the workers of a search cannot be reached, or a port cannot be had."""


class ClusterError(LyricLMError, ConnectionError):
    """Another worker of a training on several machines is gone; its checkpoints are kept."""


class ExportError(LyricLMError, RuntimeError):
    """A model that cannot be exported in a format, or not to a folder; nothing is left behind."""


class DivergedError(LyricLMError, ArithmeticError):
    """The loss is no longer a finite number."""
