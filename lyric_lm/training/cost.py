"""`measure_cost`: what a training would take, from a few real steps of it, with nothing written."""

import dataclasses
import statistics
import sys
import time
from typing import Any

import keras

from lyric_lm.callbacks.epoch_guards import LastGoodModel
from lyric_lm.settings.config import TrainConfig
from lyric_lm.settings.devices import DeviceConfig
from lyric_lm.training.building import compiled_model, sample_writer
from lyric_lm.training.model_size import StepWork, largest_batch, step_work, weight_copies
from lyric_lm.training.parent import Parent
from lyric_lm.training.texts import Texts

_MOST_EPOCHS, _FEWEST_EPOCHS = 40, 3  # to time, beside the first, which compiles
_ENOUGH_SECONDS = 8.0
_FLOPS = 30e9  # after so much work, about a second's, an epoch to time is cut off
_MOST_STEPS = 32  # in it, as many as `fit` runs in one loop


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a training takes on this machine."""

    parameters: int
    step: StepWork  # of one training step
    num_steps: int  # of an epoch
    characters_per_second: float  # in the training steps
    start_seconds: float  # until the steps run: imports, reading, compiling
    epoch_seconds: float  # of one epoch, validation included
    report_seconds: float  # of the samples in all reports
    epochs: int  # planned
    memory: int | None  # bytes that the process holds at its peak; None where the system does not tell
    largest_batch: int  # rows; 0 where not even one fits

    @property
    def seconds(self) -> float:
        """Of the whole run, from the start of the process."""
        return self.start_seconds + self.epochs * self.epoch_seconds + self.report_seconds


def measure_cost(
    config: TrainConfig,
    texts: Texts,
    parent: Parent | None = None,
    devices: DeviceConfig | None = None,
    *,
    before: float = 0.0,
) -> Cost:
    """Train for a few steps as `train` would, time them and reckon up the whole run.

    Args:
        config: the settings, all epochs of which are expected to run.
        texts: what is learnt; they suit the settings.
        parent: the run to go on from, if any.
        devices: where; None: on one device.
        before: seconds since the start of the process, which a run would take as well.

    Raises:
        CorpusError: the text is too short for a single batch.
    """
    began, size = time.perf_counter(), len(texts.vocabulary)
    work, batches = step_work(config, size), texts.batches(config)
    num_steps = int(batches.cardinality())
    few = min(num_steps, _MOST_STEPS, max(1, round(_FLOPS / work.flops)))
    model, clock = compiled_model(config, texts, devices, parent=parent), _Clock()
    built = time.perf_counter() - began
    model.fit(
        batches.take(few),
        validation_data=texts.validation_batches,
        epochs=1 + _MOST_EPOCHS,
        verbose=0,
        callbacks=[clock, LastGoodModel(None)],
    )
    steps, others = map(statistics.median, (clock.steps[1:], clock.others[1:]))
    first, again = _seconds_of_two(lambda: sample_writer(config, texts).write(model))
    held = _held_memory()
    return Cost(
        parameters=model.count_params(),
        step=work,
        num_steps=num_steps,
        characters_per_second=few * work.characters / steps,
        start_seconds=before + built + max(0.0, clock.steps[0] + clock.others[0] - steps - others),
        epoch_seconds=steps * num_steps / few + others,
        report_seconds=first + again * ((config.optimizer.epochs - 1) // config.report.every),
        epochs=config.optimizer.epochs,
        memory=None if held is None else held + weight_copies(config, size),
        largest_batch=largest_batch(config, size, len(texts.learnt(config.corpus).ids), held=held or 0),
    )


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Times each epoch, and ends a training that has been timed for long enough."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[float] = []  # seconds of each epoch's training steps
        self.others: list[float] = []  # of its validation and callbacks
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del epoch, logs
        now = time.perf_counter()
        if self.steps:
            self.others.append(now - self._began - self.steps[-1])
        self._began = now

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        del epoch, logs
        self.steps.append(self.model.training_seconds)
        timed = self.steps[1:]
        self.model.stop_training = len(timed) >= _FEWEST_EPOCHS and (
            sum(timed) + sum(self.others[1:]) > _ENOUGH_SECONDS
        )

    def on_train_end(self, logs: Any = None) -> None:
        self.on_epoch_begin(0, logs)


def _seconds_of_two(call: Any) -> tuple[float, float]:
    """How long a function takes when it is called for the first and for the second time."""
    times = [time.perf_counter()]
    for _ in range(2):
        call()
        times.append(time.perf_counter())
    return times[1] - times[0], times[2] - times[1]


def _held_memory() -> int | None:
    """The most bytes that this process ever held."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
