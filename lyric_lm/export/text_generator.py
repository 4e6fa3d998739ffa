"""`TextGenerator`: tokenizer, sampling loop and model as one TensorFlow program, from strings to strings."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from lyric_lm.data.characters import SONG_END
from lyric_lm.generation.samplers import draw, only_top_k, only_top_p
from lyric_lm.model.step_model import StepModel


class TextGenerator(tf.Module):  # type: ignore[misc]
    """What a SavedModel runs: it needs nothing of this package.

    Args:
        step: one step of the model; its vocabulary decides what is read and written.
    """

    def __init__(self, step: StepModel) -> None:
        super().__init__()
        # A Keras model as an attribute would be saved with signatures of its own; its weights are enough, and
        # the call stays a plain function.
        self._weights = [variable.value for variable in step.variables]
        self._call_step: Callable[[Any], Any] = lambda inputs: step(inputs)
        self._state_sizes = dict(zip(step.state_names, step.state_sizes, strict=True))
        vocabulary = step.model.vocabulary
        self._vocabulary_size = len(vocabulary)
        codes = [ord(character) for character in vocabulary.characters]
        ids = tf.range(len(codes), dtype=tf.int32)
        table = tf.lookup.KeyValueTensorInitializer(tf.constant(codes, tf.int32), ids)
        self._ids = tf.lookup.StaticHashTable(table, default_value=-1)
        self._num_characters = len(codes)  # an unknown token, if any, comes after them and is never written
        self._codes = tf.constant(codes, tf.int32)
        self._song_end = SONG_END if vocabulary.song_end_id is not None else ""  # it begins a song, too

    def sample(
        self, prefix: Any, num_chars: Any, temperature: Any, seed: Any, top_k: Any = 0, top_p: Any = 1.0
    ) -> dict[str, Any]:
        """Continue each prefix.

        Args:
            prefix: string `(B,)`, UTF-8; characters that the model does not know stay in the text but are
                not read, and at least one must be known, unless songs are apart.
            num_chars: int32 scalar, characters to add.
            temperature: float32 scalar; 0 takes the likeliest character each time.
            seed: int32 scalar; the same seed, the same text.
            top_k: int32 scalar; draw from the k likeliest only, 0 from all.
            top_p: float32 scalar; draw from the likeliest that hold this probability, 1 from all.

        Returns:
            `text`: string `(B,)`, prefix and continuation, which ends where the song does.
        """
        logits, state = self._read(prefix)

        def body(t: Any, logits: Any, state: list[Any], written: Any) -> Any:
            uniform = tf.random.stateless_uniform(tf.shape(prefix), tf.stack([seed, t]))
            chosen = self._choose(logits, uniform, temperature, top_k, top_p)
            logits, state = self._next(chosen, state)
            return t + 1, logits, state, written.write(t, tf.gather(self._codes, chosen))

        codes = tf.TensorArray(tf.int32, num_chars, element_shape=(None,))
        codes = tf.while_loop(lambda t, *_: t < num_chars, body, (tf.constant(0), logits, state, codes))[-1]
        continuation = tf.strings.unicode_encode(tf.transpose(codes.stack()), "UTF-8")
        if self._song_end:
            continuation = tf.strings.regex_replace(continuation, f"(?s){self._song_end}.*", "")
        return {"text": tf.strings.join([prefix, continuation])}

    def step(self, **inputs: Any) -> dict[str, Any]:
        """One step, as `StepModel`."""
        return self._call_step(inputs)  # type: ignore[no-any-return]

    def _read(self, prefix: Any) -> tuple[Any, list[Any]]:
        """Logits after each prefix, float32 (B, V), and the state there."""
        prefix = tf.strings.join([self._song_end, prefix])
        ids = self._ids.lookup(tf.strings.unicode_decode(prefix, "UTF-8"))
        ids = tf.ragged.boolean_mask(ids, ids >= 0)
        lengths = tf.cast(ids.row_lengths(), tf.int32)
        message = "Each prefix needs a character that the model knows; `vocabulary.json` lists them."
        tf.debugging.assert_positive(lengths, message)
        padded = ids.to_tensor()  # (B, longest)
        batch_size = tf.shape(padded)[0]
        state = [tf.zeros((batch_size, size)) for size in self._state_sizes.values()]
        logits = tf.zeros((batch_size, self._vocabulary_size))

        def body(t: Any, logits: Any, state: list[Any]) -> Any:
            reads = (t < lengths)[:, None]  # the shorter prefixes wait for the longest
            new = self._next(padded[:, t], state)
            return t + 1, *tf.nest.map_structure(lambda a, b: tf.where(reads, a, b), new, (logits, state))

        longest = tf.shape(padded)[1]
        _, logits, state = tf.while_loop(lambda t, *_: t < longest, body, (tf.constant(0), logits, state))
        return logits, state

    def _next(self, ids: Any, state: list[Any]) -> tuple[Any, list[Any]]:
        outputs = self._call_step({"ids": ids[:, None], **dict(zip(self._state_sizes, state, strict=True))})
        return outputs["logits"], [outputs[f"next_{name}"] for name in self._state_sizes]

    def _choose(self, logits: Any, uniform: Any, temperature: Any, top_k: Any, top_p: Any) -> Any:
        logits = logits[:, : self._num_characters]

        def greedy() -> Any:
            return tf.argmax(logits, axis=-1, output_type=tf.int32)

        def drawn() -> Any:
            scaled = only_top_k(logits / temperature, tf.where(top_k > 0, top_k, self._num_characters))
            return draw(tf.where(top_p >= 1.0, scaled, only_top_p(scaled, top_p)), uniform)

        return tf.cond(temperature > 0, drawn, greedy)
