"""`TensorBoard`: dashboards that need no explanation."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Unpack

import keras
import numpy as np
import tensorflow as tf

from lyric_lm.callbacks.dashboard.events import EventFiles, histogram, image, text
from lyric_lm.callbacks.dashboard.hparams import columns, session_end, session_start
from lyric_lm.callbacks.dashboard.model_graph import layer_graph, named_states, named_weights
from lyric_lm.callbacks.dashboard.projector import Projector, character_vectors
from lyric_lm.callbacks.dashboard.samples import code_block, sample_page
from lyric_lm.callbacks.dashboard.scalars import SAMPLES, training_scalars, validation_scalars
from lyric_lm.callbacks.own_model import check_own_model
from lyric_lm.checks import check_at_least_one, check_spacings
from lyric_lm.generation.sample_writer import SampleSettings, SampleWriter

_SAMPLES, _HISTOGRAMS = 12, 10  # of a training where "auto" spaces them


# KerasTuner gives each trial a folder of its own where the class has this very name.
class TensorBoard(keras.callbacks.Callback):  # type: ignore[misc]
    """Shows a training in TensorBoard: curves, samples, histograms, characters in space, layers, settings.

    Steps are epochs, counted from 1. `train` and `validation` are runs below the log folder, so that curves
    that belong together share a chart. Put it after a callback that adds to the logs: names beginning with
    `copied_` are charted too.

    Where the folder cannot be written, training goes on after one warning.

    Args:
        log_dir: the folder; show it with
            `tensorboard --logdir LOG_DIR --samples_per_plugin=text=100,images=100` (more than TensorBoard's
            ten samples a prefix).
        prefixes: texts to continue, or a `SampleWriter`.
        samples_every: epochs between two samples, >= 1; the first and the last epoch are sampled too. "auto"
            makes about twelve in a training; None writes none.
        histograms_every: epochs between two histograms, and two pictures of the characters in space;
            likewise, but about ten.
        settings: what the HParams page lists of this run, the first five without a click; None lists nothing
            (KerasTuner writes its own).
        name: of the run's row on that page; None is the log folder's path. Rows of one name become one.
        profile_epoch: the epoch to profile, counted from 1, best not the first; None for none. TensorBoard
            shows it on its page Profile, tool Trace Viewer, once `pip install xprof` is done.
        sampling: `num_chars`, `sampler`, `rules` and `seed`, as a `SampleWriter` has them.

    Raises:
        ValueError: a number is below 1, or `prefixes` is one text or holds an empty one.
        UnknownCharacterError: at the start of `fit`: the vocabulary lacks a prefix's character.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        prefixes: Sequence[str] | SampleWriter = ("分开", "不分开"),
        *,
        samples_every: int | Literal["auto"] | None = "auto",
        histograms_every: int | Literal["auto"] | None = "auto",
        settings: Mapping[str, bool | int | float | str] | None = None,
        name: str | None = None,
        profile_epoch: int | None = None,
        **sampling: Unpack[SampleSettings],
    ) -> None:
        super().__init__()
        check_spacings(samples_every=samples_every, histograms_every=histograms_every)
        check_at_least_one(profile_epoch=profile_epoch)
        self.log_dir = str(log_dir)
        self.samples = SampleWriter.of(prefixes, **sampling)
        self.samples_every: int | Literal["auto"] | None = samples_every
        self.histograms_every: int | Literal["auto"] | None = histograms_every
        self.settings = settings
        self.name = name
        self.profile_epoch = profile_epoch
        # Made when a training starts: a callback is copied before, and files cannot be.
        self._files: Any = None
        self._projector: Any = None
        self._first_epoch: int | None = None
        self._last_epoch = 0
        self._best_val_perplexity = math.inf
        self._profiling = False

    def state_dict(self) -> dict[str, Any]:
        """What a resume needs: the best figure so far."""
        return {"results": {"best_val_perplexity": self._best_val_perplexity}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self._best_val_perplexity = state["results"].get("best_val_perplexity", math.inf)

    # ------------------------------------------------------------------ Keras' hooks

    def on_train_begin(self, logs: Any = None) -> None:
        del logs
        check_own_model(self)
        self.samples.check_vocabulary(self.model.vocabulary)
        self._first_epoch, self._last_epoch, self._best_val_perplexity = None, 0, math.inf
        self._files = EventFiles(Path(self.log_dir))
        self._files.write_graph("train", layer_graph(self.model))
        self._projector = None
        if self.histograms_every is not None and character_vectors(self.model) is not None:
            self._projector = Projector(Path(self.log_dir, "train"), self.model.vocabulary)
            self._files.attempt(self._projector.write_labels)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del logs
        if self._first_epoch is None:
            self._first_epoch = epoch + 1
            if self.settings is not None:
                row = session_start(self.settings, name=self.name or self.log_dir)
                self._files.write("train", epoch + 1, [row])
        if epoch + 1 == self.profile_epoch:
            self._profiling = True
            self._files.attempt(lambda: tf.profiler.experimental.start(str(Path(self.log_dir, "train"))))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs, epoch = logs or {}, epoch + 1
        self._stop_profiling()
        if self._files.lost:
            return
        self._last_epoch = epoch
        self._best_val_perplexity = min(self._best_val_perplexity, logs.get("val_perplexity", math.inf))
        if epoch == self._first_epoch and self.settings is not None:
            self._files.write("train", epoch, [columns(self.settings, validated="val_perplexity" in logs)])
        self._write_scalars(epoch, logs)
        if self._is_due(epoch, self.samples_every, number=_SAMPLES):
            self._write_samples(epoch)
        if self._is_due(epoch, self.histograms_every, number=_HISTOGRAMS):
            self._write_insides(epoch)

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        self._stop_profiling()
        epoch = self._last_epoch
        if epoch and not self._files.lost:
            if self.samples_every is not None and not self._is_due(
                epoch, self.samples_every, number=_SAMPLES
            ):
                self._write_samples(epoch)
            if self.histograms_every is not None and not self._is_due(
                epoch, self.histograms_every, number=_HISTOGRAMS
            ):
                self._write_insides(epoch)
            if self.settings is not None:
                self._files.write("train", epoch, [session_end()])
        self._files.close()

    # ------------------------------------------------------------------ what an epoch writes

    def _is_due(self, epoch: int, every: int | Literal["auto"] | None, *, number: int) -> bool:
        """Whether it is an epoch's turn, in a training of which "auto" shows so many."""
        spacing = max(1, self.params["epochs"] // number) if every == "auto" else every
        return spacing is not None and (epoch == self._first_epoch or epoch % spacing == 0)

    def _write_scalars(self, epoch: int, logs: Mapping[str, Any]) -> None:
        speed = 0.0 if epoch == self._first_epoch else self.model.characters_per_second
        rate = float(self.model.optimizer.learning_rate)
        training = training_scalars(
            logs,
            best_val_perplexity=self._best_val_perplexity,
            clipping_theta=self.model.clipping_theta,
            learning_rate=rate,
            characters_per_second=speed,
        )
        self._files.write("train", epoch, training)
        if validation := validation_scalars(logs):
            self._files.write("validation", epoch, validation)

    def _write_samples(self, epoch: int) -> None:
        prefixes, samples = self.samples.prefixes, self.samples.write(self.model)
        if not samples:
            return
        shown = [
            text(f"samples/{prefix}", code_block(sample))
            for prefix, sample in zip(prefixes, samples, strict=True)
        ]
        if page := sample_page(f"epoch {epoch}", prefixes, samples):
            shown.append(image(SAMPLES, *page))
        self._files.write("train", epoch, shown)

    def _write_insides(self, epoch: int) -> None:
        """Histograms of the weights and of the carried hidden state, and the characters' vectors."""
        shown = [histogram(f"weights/{name}", weight) for name, weight in named_weights(self.model)]
        states = named_states(self.model.carried_state)
        shown += [histogram(f"state/{name}", state) for name, state in states]
        self._files.write("train", epoch, shown)
        if self._projector is not None:
            points = np.asarray(character_vectors(self.model))
            self._files.attempt(lambda: self._projector.write_points(points, epoch=epoch))

    def _stop_profiling(self) -> None:
        if self._profiling:
            self._profiling = False
            self._files.attempt(tf.profiler.experimental.stop)
