"""Checkpoints: whole or refused, whatever happens to the bytes."""

import collections
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lyric_lm.errors import CheckpointError, RunWriteError
from lyric_lm.runs.checkpoint_values import not_plain
from lyric_lm.runs.checkpoints import (
    Checkpoint,
    decode_checkpoint,
    encode_checkpoint,
    read_newest_checkpoint,
    write_checkpoint,
)

EXAMPLE = Checkpoint(
    epoch=3,
    stopped=False,
    model=[np.arange(6, dtype=np.float32).reshape(2, 3), np.array([7, 0], np.uint32)],
    optimizer=[np.array(11, np.int64)],
    memory={"EarlyStopping 1": {"wait": 2, "best": np.float32(0.5), "best_weights": [np.ones((1, 4))]}},
)


def with_header(change: Any) -> bytes:
    """The example's bytes with a changed header and a checksum that matches."""
    data = encode_checkpoint(EXAMPLE)[:-32]
    size = int.from_bytes(data[8:16], "little")
    header = json.loads(data[16 : 16 + size])
    change(header)
    new = json.dumps(header).encode()
    body = data[:8] + len(new).to_bytes(8, "little") + new + data[16 + size :]
    return body + hashlib.sha256(body).digest()


def same(here: Any, there: Any) -> bool:
    if isinstance(there, (np.ndarray, np.generic)):
        return (
            type(here) is type(there)
            and (here.dtype, here.shape) == (there.dtype, there.shape)
            and here.tobytes() == there.tobytes()
        )
    if isinstance(there, (list, tuple)):
        return type(here) is type(there) and len(here) == len(there) and all(map(same, here, there))
    if isinstance(there, dict):
        return (
            type(here) is dict
            and list(here) == list(there)
            and all(same(here[key], there[key]) for key in there)
        )
    return type(here) is type(there) and bool(here == there)


arrays = hnp.arrays(
    st.sampled_from([np.float32, np.float16, np.int64, np.uint32, np.bool_, ml_dtypes.bfloat16]).map(
        np.dtype
    ),
    hnp.array_shapes(min_dims=0, min_side=0),
    elements=st.just(1),
)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | arrays
keys = st.text() | st.integers() | st.none() | st.tuples(st.booleans(), st.text())
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
        | st.sets(keys, max_size=3)
    ),
    max_leaves=7,
)


@given(memory=st.dictionaries(st.text(), st.dictionaries(st.text(), values, max_size=3), max_size=3))
@settings(max_examples=60)
def test_whatever_a_callback_remembers_comes_back_bit_for_bit(memory: dict[str, dict[str, Any]]) -> None:
    checkpoint = Checkpoint(5, True, [np.zeros((2, 0))], [], memory)
    again = decode_checkpoint(encode_checkpoint(checkpoint))
    assert (again.epoch, again.stopped) == (5, True)
    assert same(again.memory, memory)


def test_what_is_no_number_survives_too() -> None:
    example = Checkpoint(1, False, [np.array([np.nan, -np.inf, -0.0], np.float32)], [], {})
    again = decode_checkpoint(encode_checkpoint(example))
    assert again.model[0].tobytes() == example.model[0].tobytes()


def test_arrays_that_are_restored_can_be_written_to() -> None:
    again = decode_checkpoint(encode_checkpoint(EXAMPLE))
    again.model[0][0, 0] = 9
    assert again.model[0][0, 0] == 9


@given(st.data())
@settings(max_examples=150)
def test_a_file_with_any_bytes_changed_cut_or_added_is_refused(data: st.DataObject) -> None:
    whole = encode_checkpoint(EXAMPLE)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    changed = whole[:start] + data.draw(st.binary(max_size=7)) + whole[end:]
    if changed != whole:
        with pytest.raises(CheckpointError):
            decode_checkpoint(changed)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.pop("values"),
        lambda header: header.update(format_version=True),
        lambda header: header.update(format_version="1"),
        lambda header: header.update(arrays=[{"dtype": "object", "shape": [1]}]),
        lambda header: header["arrays"][0].update(dtype="O"),
        lambda header: header["arrays"][0].update(shape=[2**62, 2**62]),
        lambda header: header["arrays"][0].update(shape=[-2, -3]),
        lambda header: header["arrays"][0].update(shape=[1, 3]),
        lambda header: (
            header["arrays"].append({"dtype": "float32", "shape": [0, 3, 5]}) or header.pop("arrays")
        ),
        lambda header: header["values"].update(epoch=0),
        lambda header: header["values"].update(epoch=True),
        lambda header: header["values"].update(stopped=1),
        lambda header: header["values"].update(model={"map": {}}),
        lambda header: header["values"].update(model=[3]),
        lambda header: header["values"].update(model=[{"array": 99}]),
        lambda header: header["values"].update(model=[{"array": -1}]),
        lambda header: header["values"].update(memory={"map": {"EarlyStopping 1": 4}}),
        lambda header: header["values"].update(memory={"array": 0}),
        lambda header: header["values"].update(strange=1),
        lambda header: header["values"].update(epoch={"pickle": "gANd"}),
    ],
)
def test_a_header_that_says_something_else_is_refused_even_with_the_right_checksum(change: Any) -> None:
    with pytest.raises(CheckpointError, match="something else"):
        decode_checkpoint(with_header(change))


def test_a_header_nested_too_deeply_is_refused() -> None:
    deep = b'{"format_version": 1, "arrays": [], "values": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    body = b"LYRICCKP" + len(deep).to_bytes(8, "little") + deep
    with pytest.raises(CheckpointError, match="something else"):
        decode_checkpoint(body + hashlib.sha256(body).digest())


def test_a_file_of_a_later_format_says_so() -> None:
    with pytest.raises(CheckpointError, match="is of format 3, from a later version"):
        decode_checkpoint(with_header(lambda header: header.update(format_version=3)))


def test_a_file_of_the_first_format_is_read() -> None:
    old = decode_checkpoint(with_header(lambda header: header.update(format_version=1)))
    assert same(old.memory, EXAMPLE.memory)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (object(), object),
        ({"a": [np.array([object()])]}, np.ndarray),
        ([np.str_("a")], np.str_),
        ({(1, frozenset()): 2}, frozenset),
        ((collections.defaultdict(int),), collections.defaultdict),
        ([b"bytes"], bytes),
    ],
)
def test_what_would_not_come_back_as_it_was_cannot_be_kept(value: Any, kind: type) -> None:
    assert not_plain(value) is kind
    with pytest.raises(ValueError, match=f"must be plain.*Received: {kind.__name__}"):
        encode_checkpoint(Checkpoint(1, False, [], [], {"Counter 1": {"value": value}}))


def test_a_set_has_the_same_bytes_in_each_process() -> None:
    seeds = [{**os.environ, "PYTHONHASHSEED": seed} for seed in ("1", "2")]
    code = "from lyric_lm.runs.checkpoint_values import pack_value as p; print(p(set('abcdefgh'), []))"
    runs = [subprocess.run([sys.executable, "-c", code], env=env, capture_output=True) for env in seeds]
    assert runs[0].stdout == runs[1].stdout != b""


def checkpoint_at(epoch: int) -> Checkpoint:
    return Checkpoint(epoch, False, [np.full(2, epoch)], [], {})


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    for epoch in (1, 2, 9, 10, 123_456_7):
        write_checkpoint(tmp_path, checkpoint_at(epoch))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-000010.ckpt", "epoch-1234567.ckpt"]
    newest = read_newest_checkpoint(tmp_path, report=pytest.fail)
    assert newest is not None
    assert newest.epoch == 1_234_567


def test_a_damaged_newest_one_is_named_and_the_one_before_it_used(tmp_path: Path) -> None:
    for epoch in (4, 7):
        newest_path = write_checkpoint(tmp_path, checkpoint_at(epoch))
    newest_path.write_bytes(newest_path.read_bytes()[:-1])
    told: list[str] = []
    checkpoint = read_newest_checkpoint(tmp_path, report=told.append)
    assert checkpoint is not None
    assert checkpoint.epoch == 4
    assert told == [f"{newest_path} is damaged: its checksum does not match; going on from epoch 4 instead."]
    write_checkpoint(tmp_path, checkpoint_at(6))  # the damaged one must not come back as the newest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-000004.ckpt", "epoch-000006.ckpt"]


def test_damage_to_all_is_an_error(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, checkpoint_at(4)).write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"epoch-000004\.ckpt is no checkpoint.*Train from the start"):
        read_newest_checkpoint(tmp_path, report=pytest.fail)


def test_no_folder_and_no_file_are_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "epoch-12.ckpt.part").touch()
    assert read_newest_checkpoint(tmp_path / "none", report=pytest.fail) is None
    assert read_newest_checkpoint(tmp_path, report=pytest.fail) is None


def test_a_folder_that_vanished_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunWriteError, match="its folder is gone"):
        write_checkpoint(tmp_path / "gone" / "checkpoints", checkpoint_at(1))
