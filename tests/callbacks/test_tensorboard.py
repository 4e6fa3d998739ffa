"""What the dashboards are given, read back with TensorBoard's own reader and compared with the training."""

import contextlib
import logging
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.util import tensor_util

from lyric_lm import RNNModel, generate
from lyric_lm.callbacks import ExactResume, TensorBoard
from lyric_lm.callbacks.dashboard import events
from lyric_lm.data import Vocabulary, consecutive_batches
from lyric_lm.display.fonts import cjk_font
from lyric_lm.model.fit_hooks import asks_for_batches

B, T, H = 2, 3, 4
VOCABULARY = Vocabulary("不 \n\t分开a")  # V = 7
IDS = np.random.default_rng(0).integers(0, len(VOCABULARY), 41).astype(np.int32)
SETTINGS: dict[str, bool | int | float | str] = {
    "cell": "rnn",
    "hidden_size": 4,
    "rotate": False,
    "learning_rate": 0.5,
}


def build(cell: Any = None, **kwargs: Any) -> RNNModel:
    keras.utils.set_random_seed(3)
    model = RNNModel(cell() if cell else keras.layers.SimpleRNNCell(H), VOCABULARY, **kwargs)
    model.compile(keras.optimizers.SGD(0.5), jit_compile=False)
    return model


def fit(model: RNNModel, *callbacks: Any, epochs: int = 5) -> dict[str, list[float]]:
    batches = consecutive_batches(IDS[:29], B, T)
    validation = consecutive_batches(IDS[29:], B, T)
    history = model.fit(
        batches, epochs=epochs, validation_data=validation, verbose=0, callbacks=list(callbacks)
    )
    return history.history  # type: ignore[no-any-return]


def read(folder: Path) -> Any:
    """All events of one run."""
    return EventAccumulator(str(folder), size_guidance={"tensors": 0, "graph": 1}).Reload()


def values(folder: Path, tag: str) -> dict[int, Any]:
    """Every value of a tag, by its step."""
    events = read(folder).Tensors(tag)
    assert len({event.step for event in events}) == len(events), "a step was written twice"
    return {event.step: tensor_util.make_ndarray(event.tensor_proto) for event in events}


def tags(folder: Path) -> set[str]:
    """The names of a run's charts, texts and pictures."""
    return set(read(folder).Tags()["tensors"])


@pytest.fixture(scope="module")
def shown(tmp_path_factory: Any) -> tuple[Path, RNNModel, dict[str, list[float]]]:
    """A training of five epochs: its log folder, its model and Keras' own record of it."""
    folder = tmp_path_factory.mktemp("logs")
    model = build(clipping_theta=0.3)
    board = TensorBoard(
        folder,
        ["分开", "不"],
        num_chars=6,
        samples_every=2,
        histograms_every=3,
        settings=SETTINGS,
        name="runs/mine",
    )
    return folder, model, fit(model, board)


# ---------------------------------------------------------------- curves


@pytest.mark.parametrize(
    ("run", "tag", "log"),
    [
        ("train", "learning/perplexity", "perplexity"),
        ("validation", "learning/perplexity", "val_perplexity"),
        ("train", "optimizer/gradient_norm", "grad_norm"),
        ("train", "optimizer/clipped_share", "clipped_share"),
    ],
)
def test_each_curve_is_the_history_in_epochs_from_one(shown: Any, run: str, tag: str, log: str) -> None:
    folder, _, history = shown
    curve = values(folder / run, tag)
    assert list(curve) == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(list(curve.values()), history[log], rtol=1e-6)


@pytest.mark.parametrize(("run", "log"), [("train", "loss"), ("validation", "val_loss")])
def test_bits_per_character_are_the_loss_to_base_two(shown: Any, run: str, log: str) -> None:
    folder, _, history = shown
    bits = values(folder / run, "loss/bits_per_character")
    np.testing.assert_allclose(2.0 ** np.array(list(bits.values())), np.exp(history[log]), rtol=1e-5)


def test_theta_stands_beside_the_chart_of_the_gradient_norm(shown: Any) -> None:
    about = read(shown[0] / "train").SummaryMetadata("optimizer/gradient_norm").summary_description
    assert about.endswith("longer ones are cut to theta, 0.3.")


def test_each_run_has_a_name_that_says_what_it_is(shown: Any) -> None:
    """TensorBoard lists every folder that holds events, the log folder's own as a dot."""
    assert {str(file.parent.relative_to(shown[0])) for file in shown[0].rglob("events.*")} == {
        "train",
        "validation",
    }


def test_the_learning_rate_is_that_of_the_epochs_end(tmp_path: Path) -> None:
    halve = keras.callbacks.LearningRateScheduler(lambda epoch: 0.8 * 0.5**epoch)
    fit(build(), halve, TensorBoard(tmp_path, []), epochs=3)
    curve = values(tmp_path / "train", "optimizer/learning_rate")
    np.testing.assert_allclose(list(curve.values()), [0.8, 0.4, 0.2], rtol=1e-6)


@pytest.mark.parametrize(("theta", "share"), [(1e-6, 1.0), (1e6, 0.0), (None, 0.0)])
def test_the_clipped_share_counts_the_steps_that_were_too_long(theta: float | None, share: float) -> None:
    assert fit(build(clipping_theta=theta), epochs=2)["clipped_share"] == [share, share]


def test_the_speed_is_of_the_training_steps_alone_and_not_of_the_first_epoch(tmp_path: Path) -> None:
    slow = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: time.sleep(0.4), on_test_begin=lambda *_: time.sleep(0.4)
    )
    fit(build(), slow, TensorBoard(tmp_path, []), epochs=3)
    curve = values(tmp_path / "train", "speed/characters_per_second")
    assert list(curve) == [2, 3]
    characters = (29 // B - 1) // T * B * T
    assert min(curve.values()) > characters / 0.4


def test_what_is_copied_is_charted_where_the_logs_hold_it(tmp_path: Path) -> None:
    class Originality(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch % 2:
                logs["copied_8"] = 0.25 + epoch

    fit(build(), Originality(), TensorBoard(tmp_path, []), epochs=4)
    assert values(tmp_path / "train", "originality/copied_8") == {2: 1.25, 4: 3.25}


# ---------------------------------------------------------------- samples


def test_a_sample_of_each_prefix_is_kept_for_the_first_the_even_and_the_last_epoch(shown: Any) -> None:
    folder, model, _ = shown
    for prefix in ("分开", "不"):
        samples = values(folder / "train", f"samples/{prefix}")
        assert list(samples) == [1, 2, 4, 5]
        expected = generate(model, prefix, 6)
        shown_lines = samples[5].item().decode().split("\n")
        assert all(line.startswith("    ") for line in shown_lines)
        assert "\n".join(line[4:] for line in shown_lines).replace("␉", "\t") == expected


def test_the_first_page_has_a_picture_of_the_samples(shown: Any) -> None:
    if cjk_font() is None:
        pytest.skip("no font with Chinese characters")
    page = values(shown[0] / "train", "learning/samples")
    assert list(page) == [1, 2, 4, 5]
    width, height, png = page[5]
    decoded = tf.io.decode_png(png).numpy()
    assert decoded.shape == (int(height), int(width), 3)
    assert (decoded != 255).any()


# ---------------------------------------------------------------- the model's insides


def test_histograms_count_every_weight_and_every_state(shown: Any) -> None:
    folder, model, _ = shown
    (rnn,) = model.rnns
    expected = {
        "weights/layer_1/kernel": rnn.cell.kernel,
        "weights/layer_1/recurrent_kernel": rnn.cell.recurrent_kernel,
        "weights/layer_1/bias": rnn.cell.bias,
        "weights/output/kernel": model.dense.kernel,
        "weights/output/bias": model.dense.bias,
        "state/layer_1": model.carried_state[0][0],
    }
    found = {tag for tag in tags(folder / "train") if tag.startswith(("weights/", "state/"))}
    assert found == set(expected)
    for tag, array in expected.items():
        buckets = values(folder / "train", tag)
        assert list(buckets) == [1, 3, 5]
        left, right, counts = buckets[5].T
        assert counts.sum() == np.size(array)
        assert (left[0], right[-1]) == pytest.approx((np.min(array), np.max(array)))


def test_a_saturated_tanh_is_seen_at_both_ends_of_the_histogram(tmp_path: Path) -> None:
    model = build()
    model.rnns[0].cell.kernel.assign(30 * np.sign(model.rnns[0].cell.kernel))
    fit(model, TensorBoard(tmp_path, []), epochs=1)
    left, right, counts = values(tmp_path / "train", "state/layer_1")[1].T
    assert counts[(right > 0.9) | (left < -0.9)].sum() > 0.9 * counts.sum()


def test_layers_and_parts_of_a_state_have_names_that_do_not_depend_on_the_process(tmp_path: Path) -> None:
    def cells() -> Any:
        return keras.layers.StackedRNNCells([keras.layers.LSTMCell(H), keras.layers.GRUCell(5)])

    model = build(cells, embedding_dim=6, tie_embeddings=True)
    fit(model, TensorBoard(tmp_path, []), epochs=1)
    names = {tag for tag in tags(tmp_path / "train") if tag.startswith(("weights/", "state/"))}
    layer = ("kernel", "recurrent_kernel", "bias")
    assert names == {
        *(f"weights/layer_{i}/{name}" for i in (1, 2) for name in layer),
        *("weights/embedding/embeddings", "weights/projection/kernel", "weights/projection/bias"),
        *("weights/output/bias", "state/layer_1/hidden", "state/layer_1/cell", "state/layer_2"),
    }


def test_weights_that_are_no_numbers_do_not_stop_the_training(tmp_path: Path) -> None:
    model = build()
    model.dense.kernel.assign(np.full((H, len(VOCABULARY)), np.nan))
    fit(model, TensorBoard(tmp_path, ["分开"]), epochs=2)
    assert np.isnan(values(tmp_path / "train", "learning/perplexity")[2])


def test_the_graph_leads_from_characters_through_the_layers_to_logits(shown: Any) -> None:
    graph = tf.compat.v1.GraphDef.FromString(read(shown[0] / "train").Graph().SerializeToString())
    nodes = {node.name: node for node in graph.node}
    path = ["logits"]
    while inputs := nodes[path[-1]].input:
        path.append(inputs[0])
    assert path == ["logits", "output/Dense", "layer_1/SimpleRNNCell", "one_hot", "characters"]
    assert list(nodes["output/Dense"].input[1:]) == ["output/kernel", "output/bias"]
    shape = nodes["layer_1/kernel"].attr["_output_shapes"].list.shape[0]
    assert [dim.size for dim in shape.dim] == [len(VOCABULARY), H]


# ---------------------------------------------------------------- how often


@pytest.mark.parametrize(
    ("epochs", "samples", "histograms"),
    [
        (250, [1, *range(20, 241, 20), 250], [1, *range(25, 251, 25)]),
        (30, [1, *range(2, 31, 2)], [1, *range(3, 31, 3)]),
    ],
)
def test_what_is_shown_is_spaced_over_the_epochs_of_the_training(
    tmp_path: Path, monkeypatch: Any, epochs: int, samples: list[int], histograms: list[int]
) -> None:
    seen: dict[str, list[int]] = {"samples": [], "insides": []}
    for name, epochs_seen in seen.items():
        monkeypatch.setattr(
            TensorBoard, f"_write_{name}", lambda _, epoch, seen=epochs_seen: seen.append(epoch)
        )
    board, model = TensorBoard(tmp_path, []), build()
    board.set_model(model)
    board.set_params({"epochs": epochs})
    board.on_train_begin()
    for epoch in range(epochs):
        board.on_epoch_begin(epoch)
        board.on_epoch_end(epoch, {"loss": 1.0})
    board.on_train_end()
    assert seen == {"samples": samples, "insides": histograms}


# ---------------------------------------------------------------- the page of settings


def test_settings_and_results_are_listed_on_the_page_of_settings(shown: Any) -> None:
    folder, _, history = shown
    events = read(folder / "train")
    content = events.SummaryMetadata(hparams_metadata.SESSION_START_INFO_TAG).plugin_data.content
    start = hparams_metadata.parse_session_start_info_plugin_data(content)
    assert start.group_name == "runs/mine", "which is what the row is called"
    listed = start.hparams
    assert {name: listed[name].WhichOneof("kind") for name in listed} == {
        "cell": "string_value",
        "hidden_size": "number_value",
        "rotate": "bool_value",
        "learning_rate": "number_value",
    }
    assert (listed["hidden_size"].number_value, listed["cell"].string_value) == (4, "rnn")
    results = [
        ("result/best_validation_perplexity", min(history["val_perplexity"])),
        ("result/validation_perplexity", history["val_perplexity"][-1]),
        ("learning/perplexity", history["perplexity"][-1]),
    ]
    for tag, expected in results:
        assert values(folder / "train", tag)[5] == pytest.approx(expected)
    assert shown_metrics(folder) == [tag for tag, _ in results]


def shown_metrics(folder: Path) -> list[str]:
    """The page's columns of results, from left to right."""
    content = read(folder / "train").SummaryMetadata(hparams_metadata.EXPERIMENT_TAG).plugin_data.content
    infos = hparams_metadata.parse_experiment_plugin_data(content).metric_infos
    return [info.name.tag for info in infos]


def test_without_validation_its_empty_columns_stand_last(tmp_path: Path) -> None:
    build().fit(
        consecutive_batches(IDS, B, T), verbose=0, callbacks=[TensorBoard(tmp_path, [], settings=SETTINGS)]
    )
    assert shown_metrics(tmp_path)[0] == "learning/perplexity"


def test_without_settings_the_page_of_settings_is_left_to_others(tmp_path: Path) -> None:
    fit(build(), TensorBoard(tmp_path, []), epochs=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train", "validation"]


# ---------------------------------------------------------------- beside the training


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_watching_changes_nothing_in_what_is_learnt(tmp_path: Path, dropout: float) -> None:
    plain, watched = build(dropout=dropout), build(dropout=dropout)
    expected = fit(plain)
    assert fit(watched, TensorBoard(tmp_path, ["分开"], samples_every=1, histograms_every=1)) == expected
    for weight, other in zip(plain.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)


def test_it_does_not_ask_for_batches_which_would_slow_fit_down() -> None:
    assert not asks_for_batches(TensorBoard())


def test_a_training_that_goes_on_goes_on_in_the_same_charts(tmp_path: Path) -> None:
    for epochs in (3, 5):
        board = TensorBoard(tmp_path / "logs", [])
        fit(build(), board, ExactResume(tmp_path / "kept", board), epochs=epochs)
    assert list(values(tmp_path / "logs/train", "learning/perplexity")) == [1, 2, 3, 4, 5]


def test_the_best_epoch_is_known_to_a_training_that_goes_on(tmp_path: Path) -> None:
    for epochs in (3, 5):
        model, board = build(), TensorBoard(tmp_path / "logs", [])
        spoil = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, _, optimizer=model.optimizer: setattr(
                optimizer, "learning_rate", 0.5 if epoch < 3 else 500.0
            )
        )
        history = fit(model, board, spoil, ExactResume(tmp_path / "kept", board), epochs=epochs)
    perplexities = history["val_perplexity"]
    assert min(perplexities) < min(perplexities[3:])
    assert board.state_dict()["results"]["best_val_perplexity"] == min(perplexities)


def test_epochs_that_a_kill_undid_are_charted_once(tmp_path: Path) -> None:
    def die(epoch: int, _: Any) -> None:
        if epoch == 2:
            raise InterruptedError

    def train(*callbacks: Any) -> None:
        board = TensorBoard(tmp_path / "logs", ["分开"], samples_every=1, settings=SETTINGS)
        fit(build(clipping_theta=0.3), board, *callbacks, ExactResume(tmp_path / "kept", board, every=2))

    with pytest.raises(InterruptedError):
        train(keras.callbacks.LambdaCallback(on_epoch_end=die))
    train()  # goes on after epoch 2, though the third was charted
    for run in ("train", "validation"):
        assert list(values(tmp_path / "logs" / run, "learning/perplexity")) == [1, 2, 3, 4, 5]
    assert list(values(tmp_path / "logs/train", "samples/分开")) == [1, 2, 3, 4, 5]


def test_one_epoch_is_profiled_on_request(tmp_path: Path) -> None:
    fit(build(), TensorBoard(tmp_path, [], profile_epoch=2), epochs=2)
    assert list(tmp_path.glob("train/plugins/profile/*/*.xplane.pb"))
    assert not list(tmp_path.glob("events.*")), "a run called ."


def test_keras_tuner_gives_each_trial_a_folder_of_its_own(tmp_path: Path) -> None:
    kt = pytest.importorskip("keras_tuner")

    def model(hp: Any) -> RNNModel:
        hp.Int("unused", 1, 2)
        return build()

    tuner = kt.RandomSearch(model, kt.Objective("val_loss", "min"), 2, directory=tmp_path, seed=1)
    batches = consecutive_batches(IDS, B, T)
    board = TensorBoard(tmp_path / "logs", ["分开"])
    tuner.search(batches, validation_data=batches, epochs=1, verbose=0, callbacks=[board])
    folders = sorted((tmp_path / "logs").glob("*/execution0/train"))
    assert len(folders) == 2
    assert all("learning/perplexity" in tags(folder) for folder in folders)


# ---------------------------------------------------------------- bad input


def test_a_folder_that_cannot_be_written_costs_one_warning_and_no_training(
    tmp_path: Path, caplog: Any
) -> None:
    (tmp_path / "file").touch()
    expected = fit(build())
    with caplog.at_level(logging.WARNING, "lyric_lm"):
        board = TensorBoard(tmp_path / "file/logs", ["分开"], settings=SETTINGS, profile_epoch=2)
        assert fit(build(), board) == expected
    (record,) = [record for record in caplog.records if record.name == "lyric_lm"]
    assert "The training goes on." in record.message
    assert "\n" not in record.message


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size to stand for a full disk")
def test_a_disk_that_fills_up_meanwhile_costs_one_warning_and_no_training(
    tmp_path: Path, caplog: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(events, "_FLUSH_SECONDS", 0)
    expected = fit(build(), epochs=12)
    with caplog.at_level(logging.WARNING, "lyric_lm"), _largest_file(12_000):
        assert fit(build(), TensorBoard(tmp_path, ["分开"], histograms_every=1), epochs=12) == expected
    (record,) = [record for record in caplog.records if record.name == "lyric_lm"]
    assert record.message.endswith("File too large). The training goes on.")


@contextlib.contextmanager
def _largest_file(size: int) -> Iterator[None]:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("name", "value"),
    [("num_chars", 0), ("samples_every", 0), ("histograms_every", -1), ("profile_epoch", 0)],
)
def test_a_number_below_one_is_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1"):
        TensorBoard("logs", **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("prefixes", ["分开", ["分开", ""]])
def test_prefixes_that_are_no_list_of_texts_are_refused(prefixes: Any) -> None:
    with pytest.raises(ValueError, match="`prefixes` must"):
        TensorBoard("logs", prefixes)


def test_a_prefix_that_the_vocabulary_lacks_is_found_before_the_first_epoch(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not know"):
        fit(build(), TensorBoard(tmp_path, ["猫"]), epochs=1)


def test_bits_of_a_known_loss() -> None:
    from lyric_lm.callbacks.dashboard.scalars import validation_scalars

    (perplexity, bits) = (
        summary.value[0].tensor.float_val[0] for summary in validation_scalars({"val_loss": 3 * math.log(2)})
    )
    assert (perplexity, bits) == pytest.approx((8, 3))
