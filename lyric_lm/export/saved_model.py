"""A SavedModel that turns prefixes into lyrics, in plain TensorFlow."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from lyric_lm.export.checks import check_logits, check_text
from lyric_lm.export.documents import write_readme, write_vocabulary
from lyric_lm.export.text_generator import TextGenerator
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.model.step_model import StepModel

_TEXT = {
    "prefix": tf.TensorSpec((None,), tf.string, name="prefix"),
    "num_chars": tf.TensorSpec((), tf.int32, name="num_chars"),
    "temperature": tf.TensorSpec((), tf.float32, name="temperature"),
    "seed": tf.TensorSpec((), tf.int32, name="seed"),
}
_NARROWED = {
    "top_k": tf.TensorSpec((), tf.int32, name="top_k"),
    "top_p": tf.TensorSpec((), tf.float32, name="top_p"),
}


def write_saved_model(model: RNNModel, folder: Path) -> None:
    """Write the program with its three signatures: `serving_default`, `sample` and `step`."""
    step = StepModel(model)
    step(step.zero_inputs())  # builds it
    generator = TextGenerator(step)
    step_specs = {
        name: tf.TensorSpec(spec.shape, spec.dtype, name=name)
        for name, spec in step.input_signature()[0].items()
    }
    signatures = {
        "serving_default": tf.function(generator.sample).get_concrete_function(**_TEXT),
        "sample": tf.function(generator.sample).get_concrete_function(**_TEXT, **_NARROWED),
        "step": tf.function(generator.step).get_concrete_function(**step_specs),
    }
    tf.saved_model.save(generator, str(folder), signatures=signatures)
    write_vocabulary(model.vocabulary, folder)
    write_readme(folder, "savedmodel")


def check_saved_model(model: RNNModel, folder: Path) -> None:
    """Load what was written as a stranger would, and compare.

    Raises:
        ExportError: it differs from the model.
    """
    signatures = tf.saved_model.load(str(folder)).signatures
    step = StepModel(model)
    names = step.state_names

    def one_step(ids: Any, state: list[Any]) -> tuple[Any, list[Any]]:
        inputs = dict(zip(names, map(tf.convert_to_tensor, state), strict=True))
        outputs = signatures["step"](ids=tf.convert_to_tensor(ids), **inputs)
        return outputs["logits"], [outputs[f"next_{name}"].numpy() for name in names]

    def write(prefix: str, num_chars: int) -> str:
        outputs = signatures["serving_default"](
            prefix=tf.constant([prefix]),
            num_chars=tf.constant(num_chars),
            temperature=tf.constant(0.0),
            seed=tf.constant(0),
        )
        return str(outputs["text"].numpy()[0].decode())

    check_logits(model, one_step, [zeros.numpy() for zeros in list(step.zero_inputs().values())[1:]])
    check_text(model, write)
