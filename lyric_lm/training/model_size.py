"""How much memory and work a training needs; one that needs too much is refused before it starts."""

import dataclasses
import math
import os

from lyric_lm.errors import SettingsError
from lyric_lm.settings.config import ModelConfig, TrainConfig

_GATES = {"rnn": 1, "gru": 3, "lstm": 4}
_MOMENTS = {"sgd": 0, "adam": 2, "adamw": 2}  # that the optimizer keeps of each weight
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


@dataclasses.dataclass(frozen=True)
class StepWork:
    """What one training step has to do."""

    characters: int  # B * T
    flops: int  # of its matrix products, forwards and backwards; a multiplication and an addition are two
    bytes: int  # that it must read and write at least: weights, gradients, moments and activations


def step_work(config: TrainConfig, vocabulary_size: int) -> StepWork:
    """Count the work of a step.

    Each product with a kernel of I inputs and O outputs has 2 B T I O operations, and twice as many in the
    backward pass: once for the gradient of its input, once for the kernel's. A one-hot character picks a row
    of the first kernel, which is no product.

    Args:
        config: the settings.
        vocabulary_size: V.

    >>> step_work(TrainConfig(), 1027).flops  # 6 * 1120 * (256 * 256 + 256 * 1027)
    2207170560
    """
    characters = config.optimizer.batch_size * config.optimizer.num_steps
    kernels = _kernels(config.model, vocabulary_size)
    flops = 6 * characters * sum(inputs * outputs for inputs, outputs in kernels)
    # A weight is read twice and written, its gradient written and read; a moment is read and written.
    passes = 5 + 2 * _MOMENTS[config.optimizer.optimizer]
    moved = passes * _num_weights(config.model, vocabulary_size) + 3 * _activations(config, vocabulary_size)
    return StepWork(characters, flops, _BYTES * moved)


def largest_batch(config: TrainConfig, vocabulary_size: int, num_chars: int, *, held: int) -> int:
    """The most rows that fit into this machine's memory and fill a batch of the text; 0 where none does.

    Args:
        config: the settings, whose batch is in what is held.
        vocabulary_size: V.
        num_chars: the length of the text.
        held: bytes that the process holds with batches of the settings' size.
    """
    rows = config.optimizer.batch_size
    of_a_row = _BYTES * _activations(config, vocabulary_size) / rows
    free = _memory() - held - weight_copies(config, vocabulary_size)
    return max(0, min(rows + math.floor(free / of_a_row), num_chars // (config.optimizer.num_steps + 1)))


def weight_copies(config: TrainConfig, vocabulary_size: int) -> int:
    """Bytes of the copies of all weights and moments that are made to keep an epoch."""
    copies = 2 + _MOMENTS[config.optimizer.optimizer]
    return _BYTES * copies * _num_weights(config.model, vocabulary_size)


def training_bytes(config: TrainConfig, vocabulary_size: int) -> int:
    """About how many bytes a training needs at once, the text and TensorFlow itself aside.

    >>> from lyric_lm.settings.config import ModelConfig
    >>> training_bytes(TrainConfig(model=ModelConfig(hidden_size=256)), 1027) // 2**20
    31
    """
    weights = _num_weights(config.model, vocabulary_size)
    return _BYTES * (_COPIES * weights + _activations(config, vocabulary_size))


def _kernels(config: ModelConfig, vocabulary_size: int) -> list[tuple[int, int]]:
    """The inputs and outputs of each kernel that a step multiplies by."""
    hidden, gates = config.hidden_size, _GATES[config.cell] * config.hidden_size
    inputs = [config.embedding_dim, *[hidden] * (config.num_layers - 1)]
    kernels = [(width, gates) for width in inputs if width is not None] + [
        (hidden, gates)
    ] * config.num_layers
    if config.tie_embeddings and config.embedding_dim != hidden:
        kernels.append((hidden, config.embedding_dim or 0))
    return [*kernels, (config.embedding_dim or 0 if config.tie_embeddings else hidden, vocabulary_size)]


def _num_weights(config: ModelConfig, vocabulary_size: int) -> int:
    """All weights but the biases."""
    num = sum(inputs * outputs for inputs, outputs in _kernels(config, vocabulary_size))
    if config.embedding_dim is None:
        return num + vocabulary_size * _GATES[config.cell] * config.hidden_size
    return num + (0 if config.tie_embeddings else vocabulary_size * config.embedding_dim)


def _activations(config: TrainConfig, vocabulary_size: int) -> int:
    """Numbers that a step keeps for its backward pass."""
    model, batch = config.model, config.optimizer.batch_size * config.optimizer.num_steps
    gates = _GATES[model.cell] * model.hidden_size
    return batch * (_LOGITS * vocabulary_size + 4 * gates * model.num_layers)


def _memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return _ASSUMED_MEMORY
