"""`EventFiles`: what TensorBoard reads, written so that a full disk never stops a training."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import summary_v2 as scalar_plugin
from tensorboard.plugins.text import summary_v2 as text_plugin
from tensorboard.util import tensor_util

_log = logging.getLogger("lyric_lm")

# Seconds until a written event is on disk: a page that reloads every 30 s needs no more, and a flush is slow.
_FLUSH_SECONDS = 5


class EventFiles:
    """The event files of a log folder: a sub-folder a run, each opened when it is first written.

    After a write that fails, say on a full disk, it gives one warning and writes nothing more.

    Args:
        log_dir: the folder, made when needed.
    """

    def __init__(self, log_dir: Path) -> None:
        self.log_dir = log_dir
        self.lost = False  # whether a write has failed
        self._writers: dict[str, Any] = {}

    def write(self, run: str, step: int, summaries: Iterable[Any]) -> None:
        """Append summaries to a run.

        Args:
            run: the sub-folder; "." for the log folder itself.
            step: what they stand at on the horizontal axis.
            summaries: as `scalar`, `histogram`, `text` and `image` make them.
        """
        # Joined as bytes, which merges them: TensorBoard's plugins make them of two different classes.
        event = b"".join(summary.SerializeToString() for summary in summaries)
        self.attempt(lambda: self._append(run, step, event))

    def write_graph(self, run: str, graph: Any) -> None:
        """Add a `GraphDef` to a run."""

        def append() -> None:
            with self._writer(run).as_default():
                tf.summary.graph(graph)

        self.attempt(append)

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
            # TensorFlow puts the name of its own function before the reason.
            reason = str(getattr(error, "message", error)).splitlines()[0].rpartition("}} ")[2]
            _log.warning(
                "No more TensorBoard logs in %s: writing failed (%s). The training goes on.",
                self.log_dir,
                reason,
            )

    def _append(self, run: str, step: int, event: bytes) -> None:
        with self._writer(run).as_default():
            tf.summary.experimental.write_raw_pb(event, step)

    def _writer(self, run: str) -> Any:
        if run not in self._writers:
            self._writers[run] = tf.summary.create_file_writer(
                str(self.log_dir / run), max_queue=1_000_000, flush_millis=1000 * _FLUSH_SECONDS
            )
        return self._writers[run]


def scalar(tag: str, value: float, description: str = "") -> Any:
    """A number; the description is shown beside its chart."""
    return scalar_plugin.scalar_pb(tag, value, description)


def text(tag: str, markdown: str) -> Any:
    """A text in Markdown."""
    return text_plugin.text_pb(tag, markdown)


def histogram(tag: str, values: Any, *, num_buckets: int = 30) -> Any:
    """How finite values are spread, in buckets of equal width; NaN and infinities are left out."""
    values = np.asarray(values)
    counts, edges = np.histogram(values[np.isfinite(values)], bins=num_buckets)
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
