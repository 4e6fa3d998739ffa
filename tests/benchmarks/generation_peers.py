"""Generation written for other tools: each builder returns a function that gives characters per second."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

HIDDEN, PREFIX = 256, "分开"


def ours(
    lyrics: Any, streams: int, temperature: float | None, *, rules: Sequence[Any] = ()
) -> Callable[[], float]:
    """`generate`, prefix and decoding included."""
    import keras

    from lyric_lm import Greedy, RNNModel, Temperature, generate

    model = RNNModel(keras.layers.SimpleRNNCell(HIDDEN), lyrics.vocabulary)
    sampler = Greedy() if temperature is None else Temperature(temperature)
    num_chars = 2000 if streams == 1 else 500

    def run() -> float:
        start = time.perf_counter()
        generate(model, [PREFIX] * streams, num_chars, sampler=sampler, rules=rules, seed=0)
        return streams * num_chars / (time.perf_counter() - start)

    return run


def ours_without_copying(lyrics: Any, streams: int, temperature: float | None) -> Callable[[], float]:
    """The same under `MaxCopy`, which looks each character up in tables of the training text."""
    from lyric_lm import MaxCopy

    rule = MaxCopy(lyrics.ids, 8, vocab_size=len(lyrics.vocabulary))
    return ours(lyrics, streams, temperature, rules=[rule])


def torch_loop(lyrics: Any, streams: int, temperature: float | None) -> Callable[[], float]:
    """PyTorch's cell by hand, gathered kernel rows, in a Python loop without gradients."""
    import torch

    vocab_size = len(lyrics.vocabulary)
    kernel, recurrent = torch.randn(vocab_size, HIDDEN) * 0.1, torch.randn(HIDDEN, HIDDEN) * 0.05
    out, bias, out_bias = torch.randn(HIDDEN, vocab_size) * 0.1, torch.zeros(HIDDEN), torch.zeros(vocab_size)
    prefix = torch.from_numpy(np.tile(lyrics.vocabulary.encode(PREFIX), (streams, 1))).long()
    num_chars = 1000 if streams == 1 else 200

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def run() -> float:
        start = time.perf_counter()
        h = torch.zeros(streams, HIDDEN)
        for t in range(prefix.shape[1] - 1):
            h = torch.tanh(torch.addmm(kernel[prefix[:, t]] + bias, h, recurrent))
        chosen, texts = prefix[:, -1], []
        for _ in range(num_chars):
            h = torch.tanh(torch.addmm(kernel[chosen] + bias, h, recurrent))
            logits = torch.addmm(out_bias, h, out)
            if temperature is None:
                chosen = logits.argmax(1)
            else:
                chosen = torch.multinomial(torch.softmax(logits / temperature, 1), 1)[:, 0]
            texts.append(chosen)
        ids = torch.stack(texts, 1).numpy()
        [lyrics.vocabulary.decode(row) for row in ids]
        return streams * num_chars / (time.perf_counter() - start)

    return run  # type: ignore[no-any-return]


GENERATORS: dict[str, Callable[..., Callable[[], float]]] = {
    "lyric_lm": ours,
    "lyric_lm, max_copy=8": ours_without_copying,
    "PyTorch loop": torch_loop,
}
