"""A model goes on from one of fewer characters: what it knew stays, what is new is the mean of its like."""

from typing import Any

import keras
import numpy as np
import pytest

from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary, consecutive_batches
from lyric_lm.evaluation.scoring import surprisals
from lyric_lm.model.growth import CLOSED, inherit, open_characters

OLD, ALL = "分开不来去山水aeiouxyzAB 、。", "分开不来去山水风雨云aeioubcdxyzABC 、。!78\n"
H, D = 6, 5


def cell(kind: type, *sizes: int) -> Any:
    cells = [kind(size) for size in sizes]
    return cells[0] if len(cells) == 1 else keras.layers.StackedRNNCells(cells)


NETWORKS: dict[str, dict[str, Any]] = {
    "one-hot": {"cell": (keras.layers.SimpleRNNCell, H)},
    "embedded": {"cell": (keras.layers.GRUCell, H), "embedding_dim": D},
    "tied, projected, two layers": {
        "cell": (keras.layers.LSTMCell, H, H + 1),
        "embedding_dim": D,
        "tie_embeddings": True,
    },
    "tied": {"cell": (keras.layers.GRUCell, H), "embedding_dim": H, "tie_embeddings": True},
}


def network(vocabulary: Vocabulary, name: str = "embedded", seed: int = 0) -> RNNModel:
    keras.utils.set_random_seed(seed)
    settings = dict(NETWORKS[name])
    model = RNNModel(cell(*settings.pop("cell")), vocabulary, **settings)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.weights])
    return model


@pytest.mark.parametrize(
    ("name", "unknown"),
    [*zip(NETWORKS, [(False, False), (True, True), (False, True), (False, False)], strict=True)],
)
def test_a_text_that_it_knew_scores_as_before_to_the_bit(name: str, unknown: tuple[bool, bool]) -> None:
    parent = network(Vocabulary(OLD, unknown=unknown[0]), name)
    model = network(Vocabulary(ALL, unknown=unknown[1]), name, seed=1)
    inherit(model, parent)
    text = "".join(np.random.default_rng(2).choice(list(OLD), 300))
    scores = [
        surprisals(m, m.vocabulary.encode(text), context=m.vocabulary.encode("开")) for m in (parent, model)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
    softmax = keras.ops.softmax(model(model.vocabulary.encode(text[:8])[None])[0][0])
    is_new = np.isin(np.arange(len(model.vocabulary)), [*model.vocabulary.encode(OLD)], invert=True)
    if all(unknown):
        is_new[-1] = False
    assert (np.asarray(softmax)[:, is_new] == 0).all()


def test_what_is_new_is_the_mean_of_its_like_and_all_else_stays() -> None:
    parent, model = network(Vocabulary(OLD, unknown=True)), network(Vocabulary(ALL, unknown=True), seed=1)
    inherit(model, parent)
    before, after = np.array(parent.embedding.embeddings), np.array(model.embedding.embeddings)

    def rows(characters: str) -> np.ndarray[Any, Any]:
        return before[parent.vocabulary.encode(characters)]

    np.testing.assert_array_equal(after[model.vocabulary.encode(OLD)], rows(OLD))
    np.testing.assert_array_equal(after[-1], before[-1])  # the unknown token is the last of both
    for new, like in {
        "风雨云": "分开不来去山水",
        "bcd": "aeiouxyz",
        "C": "AB",
        "!": "、。",
        "\n": " ",
        "78": OLD,  # no digit among them
    }.items():
        for character in new:
            (row,) = after[model.vocabulary.encode(character)]
            np.testing.assert_allclose(row, rows(like).mean(axis=0), atol=1e-6, err_msg=repr(character))
    for own, its in zip(model.rnns[0].weights, parent.rnns[0].weights, strict=True):
        np.testing.assert_array_equal(own, its)


def test_a_training_opens_them_at_the_mean_bias_of_their_like_and_they_learn() -> None:
    parent, model = network(Vocabulary(OLD)), network(Vocabulary(ALL))
    inherit(model, parent)
    assert (np.array(model.logit_bias) == CLOSED).sum() == len(ALL) - len(OLD)

    open_characters(model)

    bias, before = np.array(model.logit_bias), np.array(parent.logit_bias)
    expected = before[parent.vocabulary.encode("分开不来去山水")].mean()
    np.testing.assert_allclose(bias[model.vocabulary.encode("风雨云")], expected, rtol=1e-6)
    np.testing.assert_array_equal(bias[model.vocabulary.encode(OLD)], before[parent.vocabulary.encode(OLD)])
    batches = consecutive_batches(model.vocabulary.encode("风雨云8" * 30), 2, 7)
    model.compile(keras.optimizers.Adam(0.05), run_eagerly=False)
    losses = model.fit(batches, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2


def test_nothing_is_opened_where_nothing_is_closed() -> None:
    model = network(Vocabulary(ALL))
    before = model.get_weights()
    open_characters(model)
    np.testing.assert_equal(model.get_weights(), before)


def test_what_does_not_fit_is_refused_before_anything_changes() -> None:
    parent, fewer = network(Vocabulary(ALL)), network(Vocabulary(OLD))
    with pytest.raises(ValueError, match=r"every character of `parent`\. Received: one without '\\n'"):
        inherit(fewer, parent)
    with pytest.raises(ValueError, match="without the unknown token"):
        inherit(network(Vocabulary(ALL)), network(Vocabulary(ALL, unknown=True)))
    for other in ("one-hot", "tied"):
        model = network(Vocabulary(ALL), other)
        before = model.get_weights()
        with pytest.raises(ValueError, match="the network of `parent`"):
            inherit(model, network(Vocabulary(OLD)))
        np.testing.assert_equal(model.get_weights(), before)
