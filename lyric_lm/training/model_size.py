"""How much memory a training needs, so that one too large is refused before it starts."""

import os

from lyric_lm.errors import SettingsError
from lyric_lm.settings.config import TrainConfig

_GATES = {"rnn": 1, "gru": 3, "lstm": 4}
_BYTES = 4  # of a float32
# A weight, its gradient, the optimizer's two moments, and the copies of the last and the best good epoch.
_COPIES = 6
# Logits, their gradient and the softmax between them, of one batch.
_LOGITS = 3
_ASSUMED_MEMORY = 8 * 2**30  # where the system does not tell


def check_model_size(config: TrainConfig, vocabulary_size: int) -> None:
    """Refuse a training that needs more memory than this machine has.

    Args:
        config: the settings.
        vocabulary_size: V.

    Raises:
        SettingsError: it is too large; the message has both figures.
    """
    needed, available = training_bytes(config, vocabulary_size), _memory()
    if needed > available:
        raise SettingsError(
            f"hidden_size={config.model.hidden_size} and {vocabulary_size} different characters on batches "
            f"of {config.optimizer.batch_size} x {config.optimizer.num_steps} need about "
            f"{needed / 2**30:.0f} GiB of memory; this machine has {available / 2**30:.0f}. Lower "
            "hidden_size, batch_size or num_steps, or take a text of fewer different characters."
        )


def training_bytes(config: TrainConfig, vocabulary_size: int) -> int:
    """About how many bytes a training needs at once, the text and TensorFlow itself aside.

    >>> from lyric_lm.settings.config import ModelConfig
    >>> training_bytes(TrainConfig(model=ModelConfig(hidden_size=256)), 1027) // 2**20
    31
    """
    model, batch = config.model, config.optimizer.batch_size * config.optimizer.num_steps
    gates, hidden, size = _GATES[model.cell] * model.hidden_size, model.hidden_size, vocabulary_size
    width = model.embedding_dim or size
    weights = width * gates + hidden * gates * (2 * model.num_layers - 1) + hidden * size
    weights += size * (model.embedding_dim or 0)
    activations = batch * (_LOGITS * size + 4 * gates * model.num_layers)
    return _BYTES * (_COPIES * weights + activations)


def _memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return _ASSUMED_MEMORY
