"""The `tf.distribute` strategy of a training, from its settings."""

import contextlib
import functools
import json
import os
import traceback
from collections.abc import Iterator

import tensorflow as tf

from lyric_lm.errors import ClusterError, SettingsError
from lyric_lm.model.replicas import check_shares
from lyric_lm.settings.config import TrainConfig
from lyric_lm.settings.devices import DeviceConfig

# What a step fails with where a worker has been killed, has left or does not answer.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


@functools.cache
def strategy_of(config: DeviceConfig) -> tf.distribute.Strategy | None:
    """The strategy in whose scope a model is made; one for each process, as TensorFlow has it.

    A worker of a cluster waits here for the others, and joins before TensorFlow has done anything else.
    Several CPUs can be named on a machine that has one, for a trial: TensorFlow divides it, if it has not
    started yet.

    Returns:
        None where there is one device.

    Raises:
        SettingsError: devices are not there, or no cluster is.
    """
    if config.strategy == "multiworker":
        return _multi_worker()
    return _mirrored(config.devices) if config.strategy == "mirrored" else None


@contextlib.contextmanager
def told_of_lost_workers(strategy: tf.distribute.Strategy | None) -> Iterator[None]:
    """Say it in a sentence where a step fails because another worker is gone.

    Raises:
        ClusterError: one is.
    """
    try:
        yield
    except _LOST as error:
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            raise
        traceback.clear_frames(error.__traceback__)  # else a pool of TensorFlow's complains at Python's exit
        raise ClusterError(
            f"Another worker is gone ({type(error).__name__}): start all workers again with --resume, "
            "and they go on from the newest checkpoint."
        ) from error


def check_batches(config: TrainConfig, strategy: tf.distribute.Strategy | None) -> None:
    """Refuse batches that do not divide by the devices that share them.

    Raises:
        SettingsError: they do not.
    """
    try:
        check_shares(strategy, config.optimizer.batch_size, "batch_size")
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _mirrored(names: tuple[str, ...]) -> tf.distribute.Strategy:
    cpus = [int(name.removeprefix("CPU:")) for name in names if name.startswith("CPU:")]
    if len(cpus) > 1:
        _divide_cpu(max(cpus) + 1)
    present = [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices()]
    if missing := [name for name in names if name not in present]:
        raise SettingsError(
            f"There is no {' and no '.join(missing)} here, only {' and '.join(present)}: name these with "
            "`devices`, or leave out `strategy`."
        )
    names = names or tuple(name for name in present if name.startswith("GPU:"))
    if len(names) < 2:
        raise SettingsError(
            "strategy=mirrored needs two devices or more to share a batch, and here is "
            f"{' and '.join(names) or 'no GPU'}: leave it out, or try it with devices=CPU:0 CPU:1."
        )
    return tf.distribute.MirroredStrategy(list(names))


def _multi_worker() -> tf.distribute.Strategy:
    example = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
    told = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(told)
        workers = [address for kind in ("chief", "worker") for address in config["cluster"].get(kind, [])]
        config["cluster"][config["task"]["type"]][config["task"]["index"]]
    except (AttributeError, LookupError, TypeError, ValueError):
        workers = []
    if len(workers) < 2:
        raise SettingsError(
            "strategy=multiworker needs TF_CONFIG in the environment, the addresses of two workers or more "
            f"and which of them this one is, as in TF_CONFIG='{example}'. Received: {told or 'none'!s:.200}"
        )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (RuntimeError, tf.errors.OpError) as error:
        raise SettingsError(f"This worker cannot join the cluster of TF_CONFIG: {error!s:.200}") from error


def _divide_cpu(number: int) -> None:
    (cpu,) = tf.config.list_physical_devices("CPU")
    with contextlib.suppress(RuntimeError):  # TensorFlow has started: what is there is there
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * number)
