"""What a training would cost: the work of a step against TensorFlow's own count, the whole against a run."""

import dataclasses
import time
from typing import Any

import pytest
import tensorflow as tf

from lyric_lm.settings.config import CorpusConfig, ModelConfig, OptimizerConfig, ReportConfig, TrainConfig
from lyric_lm.training import cost as module
from lyric_lm.training import load_texts
from lyric_lm.training.building import build_model
from lyric_lm.training.cost import measure_cost
from lyric_lm.training.model_size import largest_batch, step_work, training_bytes, weight_copies

B, T, H, D = 2, 3, 5, 4
CONFIG = TrainConfig(
    corpus=CorpusConfig(max_chars=90),
    model=ModelConfig(hidden_size=H),
    optimizer=OptimizerConfig(batch_size=B, num_steps=T, epochs=70),
    report=ReportConfig(prefixes=(" ",), num_chars=3),
)


@pytest.mark.parametrize(
    "settings",
    [
        {"cell": "rnn", "embedding_dim": D},
        {"cell": "gru", "embedding_dim": D, "num_layers": 2},
        {"cell": "lstm", "embedding_dim": D, "tie_embeddings": True},
        {"cell": "gru", "embedding_dim": H, "tie_embeddings": True},
    ],
)
def test_a_steps_products_are_those_that_tensorflow_counts(settings: dict[str, Any]) -> None:
    config = dataclasses.replace(CONFIG, model=ModelConfig(hidden_size=H, **settings))
    texts = load_texts(config)
    model = build_model(config.model, texts.vocabulary, clipping_theta=None)
    ids = tf.zeros((B, 1), tf.int32)  # a single step, since the count takes a loop's body once
    state = model.initial_state(B)
    graph = tf.function(lambda: model(ids, state)[0]).get_concrete_function().graph
    products = [n for n in graph.get_operations() if n.type in ("MatMul", "BatchMatMulV2", "Einsum")]
    counted = 0
    for operation in products:
        left, right = (tensor.shape.as_list() for tensor in operation.inputs)
        shared = left[-1]
        counted += 2 * B * shared * (tf.TensorShape(right).num_elements() // shared)
    assert step_work(config, len(texts.vocabulary)).flops == 3 * T * counted


def test_a_one_hot_character_is_no_product_and_a_moment_is_moved_twice() -> None:
    size = 7
    assert step_work(CONFIG, size).flops == 6 * B * T * (H * H + H * size)
    adam = dataclasses.replace(CONFIG, optimizer=dataclasses.replace(CONFIG.optimizer, optimizer="adam"))
    weights = size * H + H * H + H * size
    assert step_work(adam, size).bytes - step_work(CONFIG, size).bytes == 4 * 4 * weights
    assert weight_copies(adam, size) == 2 * weight_copies(CONFIG, size) == 4 * 4 * weights


def test_the_largest_batch_is_the_last_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    size, memory = 1000, 50_000_000
    monkeypatch.setattr("lyric_lm.training.model_size._memory", lambda: memory)

    def needs(rows: int) -> int:
        config = dataclasses.replace(CONFIG, optimizer=dataclasses.replace(CONFIG.optimizer, batch_size=rows))
        return training_bytes(config, size)

    held = needs(B) - weight_copies(CONFIG, size)
    rows = largest_batch(CONFIG, size, 10**9, held=held)
    assert needs(rows) <= memory < needs(rows + 1)
    assert largest_batch(CONFIG, size, 41, held=held) == 10  # of so short a text
    assert largest_batch(CONFIG, size, 10**9, held=2 * memory) == 0


def test_the_time_is_that_of_the_epochs_the_reports_and_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ENOUGH_SECONDS", 0.01)
    validated = dataclasses.replace(CONFIG, corpus=CorpusConfig(max_chars=90, validation_split=0.3))
    texts = load_texts(validated)
    began = time.perf_counter()
    cost = measure_cost(validated, texts, before=100.0)
    took = time.perf_counter() - began
    assert cost.parameters == build_model(CONFIG.model, texts.vocabulary, clipping_theta=None).count_params()
    assert (cost.num_steps, cost.epochs) == ((63 // B - 1) // T, 70)
    assert 100 < cost.start_seconds < 100 + took
    assert 0 < cost.epoch_seconds < took
    assert cost.seconds == cost.start_seconds + 70 * cost.epoch_seconds + cost.report_seconds
    assert (
        cost.characters_per_second * cost.epoch_seconds > cost.num_steps * B * T
    )  # validation takes time too
    assert cost.memory is None or cost.memory > 10**8
