"""Write lyrics with the model beside this file: python generate.py 分开 --temperature 0.8.

Needs NumPy, and onnxruntime for model.onnx or ai-edge-litert for model.tflite.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
SONG_END = "\x1e"


def open_step() -> tuple[Any, dict[str, Any]]:
    """The model's step, (ids, state) -> (logits, state), and its zero state."""
    if (FOLDER / "model.onnx").is_file():
        import onnxruntime

        session = onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])
        sizes = {entry.name: entry.shape[-1] for entry in session.get_inputs() if entry.name != "ids"}
        names = [entry.name for entry in session.get_outputs()]

        def run(inputs: dict[str, Any]) -> Any:
            return dict(zip(names, session.run(names, inputs), strict=True))
    else:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(FOLDER / "model.tflite"))
        runner = interpreter.get_signature_runner()
        details = runner.get_input_details()
        sizes = {name: int(detail["shape"][-1]) for name, detail in details.items() if name != "ids"}

        def run(inputs: dict[str, Any]) -> Any:
            return runner(**inputs)

    def step(ids: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        outputs = run({"ids": ids, **state})
        return outputs["logits"], {name: outputs[f"next_{name}"] for name in state}

    return step, {name: np.zeros((1, size), np.float32) for name, size in sizes.items()}


def choose(logits: Any, temperature: float, random: np.random.Generator) -> int:
    """The likeliest id at temperature 0, else a draw from softmax(logits / temperature)."""
    if temperature == 0:
        return int(np.argmax(logits))
    scaled = (logits - logits.max()) / temperature
    weights = np.exp(scaled)
    return int(random.choice(len(weights), p=weights / weights.sum()))


def generate(prefix: str, num_chars: int = 50, temperature: float = 0.0, seed: int = 0) -> str:
    """Prefix and continuation; characters that the model does not know are not read."""
    characters = json.loads((FOLDER / "vocabulary.json").read_text(encoding="utf-8"))["characters"]
    ids = {character: index for index, character in enumerate(characters)}
    # Where the model has learnt songs apart, a mark begins and ends them.
    begin = SONG_END if SONG_END in ids else ""
    known = [ids[character] for character in begin + prefix if character in ids]
    if not known:
        raise ValueError(f"The model knows no character of {prefix!r}: start with others of vocabulary.json.")
    step, state = open_step()
    random = np.random.default_rng(seed)
    logits: Any = None
    for index in known:
        logits, state = step(np.array([[index]], np.int32), state)
    text = prefix
    for _ in range(num_chars):
        # An unknown token, if the model has one, comes after the characters and is never written.
        index = choose(logits[0, : len(characters)].astype(np.float64), temperature, random)
        if characters[index] == SONG_END:
            break
        text += characters[index]
        logits, state = step(np.array([[index]], np.int32), state)
    return text


def main() -> None:
    """Read the command line, print a text."""
    parser = argparse.ArgumentParser(description="Write lyrics with the model beside this file.")
    parser.add_argument("prefix", help="what the text begins with")
    parser.add_argument("--num-chars", type=int, default=50, help="characters to add (50)")
    parser.add_argument("--temperature", type=float, default=0.8, help="0 for the likeliest (0.8)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same text (0)")
    options = parser.parse_args()
    if options.temperature < 0 or options.num_chars < 1:
        parser.error("--temperature must be 0 or more, --num-chars 1 or more")
    try:
        print(generate(options.prefix, options.num_chars, options.temperature, options.seed))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
