"""`EventFiles`: what TensorBoard reads, written so that a full disk never stops a training."""

import functools
import logging
import math
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import summary_v2 as text_plugin
from tensorboard.util import tensor_util

_log = logging.getLogger("lyric_lm")

# Seconds until a written event is on disk: a page that reloads every 30 s needs no more, and a flush is slow.
_FLUSH_SECONDS = 5


class EventFiles:
    """The event files of a log folder: a sub-folder a run, each opened when it is first written.

    Written record by record, since the ops of `tf.summary` cost three times as much and cannot say where a
    training goes on: there TensorBoard drops what an earlier process, killed since, wrote of later epochs.
    After a write that fails, say on a full disk, it gives one warning and writes nothing more.

    Args:
        log_dir: the folder, made when needed.
    """

    def __init__(self, log_dir: Path) -> None:
        self.log_dir = log_dir
        self.lost = False  # whether a write has failed
        self._writers: dict[str, tf.io.TFRecordWriter] = {}
        self._begun: set[str] = set()  # runs that hold summaries of this process
        self._flushed = -math.inf  # time.monotonic(), seconds

    def write(self, run: str, step: int, summaries: Iterable[Any]) -> None:
        """Append summaries to a run of TensorBoard's.

        Args:
            run: the sub-folder.
            step: what they stand at on the horizontal axis.
            summaries: as `scalar`, `histogram`, `text` and `image` make them.
        """
        # Joined as bytes, which merges them: TensorBoard's plugins make them of two different classes.
        joined = b"".join(summary.SerializeToString() for summary in summaries)
        if run not in self._begun:
            self._begun.add(run)
            self._append(run, Event(step=step, session_log=SessionLog(status=SessionLog.START)))
        self._append(run, Event(step=step, summary=Summary.FromString(joined)))

    def write_graph(self, run: str, graph: Any) -> None:
        """Add a `GraphDef` to a run."""
        self._append(run, Event(graph_def=graph.SerializeToString()))

    def close(self) -> None:
        """Put everything on disk."""
        for writer in self._writers.values():
            self.attempt(writer.close)
        self._writers = {}

    def attempt(self, write: Callable[[], object]) -> None:
        """Call a function that writes below the log folder, unless a write has failed before."""
        if self.lost:
            return
        try:
            write()
        except (OSError, tf.errors.OpError) as error:
            self.lost = True
            # TensorFlow puts names of its own functions around the reason.
            line = str(getattr(error, "message", error)).splitlines()[0]
            reason = line.rpartition("}} ")[2].partition(" [Op:")[0]
            _log.warning(
                "No more TensorBoard logs in %s: writing failed (%s). The training goes on.",
                self.log_dir,
                reason,
            )

    def _append(self, run: str, event: Any) -> None:
        def append() -> None:
            event.wall_time = time.time()
            self._writer(run).write(event.SerializeToString())
            if time.monotonic() - self._flushed >= _FLUSH_SECONDS:
                for writer in self._writers.values():
                    writer.flush()
                self._flushed = time.monotonic()

        self.attempt(append)

    def _writer(self, run: str) -> Any:
        if run not in self._writers:
            folder = self.log_dir / run
            folder.mkdir(parents=True, exist_ok=True)
            # TensorBoard reads a run's files in the order of their names.
            name = f"events.out.tfevents.{time.time():017.6f}.{os.getpid()}.v2"
            self._writers[run] = tf.io.TFRecordWriter(str(folder / name))
            self._writers[run].write(Event(file_version="brain.Event:2").SerializeToString())
        return self._writers[run]


def write_events(log_dir: Path, step: int, summaries: Iterable[Any]) -> None:
    """Write summaries to a log folder's run `train`, after what stands at the steps before."""
    files = EventFiles(log_dir)
    files.write("train", step, summaries)
    files.close()


def scalar(tag: str, value: float, description: str = "") -> Any:
    """A number; the description is shown beside its chart."""
    # TensorBoard's own `scalar_pb` takes fifteen times as long, 0.1 ms, and an epoch of a trial has a dozen.
    summary = Summary()
    tensor = TensorProto(dtype=DT_FLOAT, tensor_shape={}, float_val=[value])
    summary.value.add(tag=tag, metadata=_scalar_metadata(description), tensor=tensor)
    return summary


@functools.cache
def _scalar_metadata(description: str) -> Any:
    return scalar_metadata.create_summary_metadata(display_name=None, description=description)


def text(tag: str, markdown: str) -> Any:
    """A text in Markdown."""
    return text_plugin.text_pb(tag, markdown)


def histogram(tag: str, values: Any, *, num_buckets: int = 30) -> Any:
    """How finite values are spread, in buckets of equal width; NaN and infinities are left out."""
    values = np.ravel(np.asarray(values, np.float32))
    if not (finite := np.isfinite(values)).all():
        values = values[finite]
    edges = np.histogram_bin_edges(values, num_buckets)
    # TensorBoard's own `histogram_pb` compares every value with every bucket: eight times as long, 0.1 s for
    # the chapter's kernel. `np.histogram` compares each with the edges beside it: four times as long.
    places = (values - edges[0]) * (num_buckets / (edges[-1] - edges[0]))
    counts = np.bincount(np.clip(places.astype(np.int32), 0, num_buckets - 1), minlength=num_buckets)
    buckets = np.stack([edges[:-1], edges[1:], counts], axis=-1)
    return _tensor_summary(tag, buckets, histogram_metadata.create_summary_metadata(None, None))


def image(tag: str, png: bytes, width: int, height: int) -> Any:
    """A picture."""
    strings = np.array([str(width).encode(), str(height).encode(), png], dtype=object)
    return _tensor_summary(tag, strings, image_metadata.create_summary_metadata(None, None))


def _tensor_summary(tag: str, array: Any, metadata: Any) -> Any:
    """What `tf.summary.histogram` and `image` write, without the cost of their ops."""
    summary = Summary()
    summary.value.add(tag=tag, metadata=metadata, tensor=tensor_util.make_tensor_proto(array))
    return summary
