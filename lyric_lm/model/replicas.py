"""Several devices at work on one batch: what each replica of a `tf.distribute` strategy does in a step.

Every replica has the same weights and is handed the whole batch, of which it takes its own rows: replica r of
R always the r-th part. So a row's state, which the next batch goes on from, never leaves its replica.
Gradients are averaged before they are clipped, and each replica then takes the same step. Keras' trainer,
which would cut and average in ways of its own, does not hear of the strategy.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from lyric_lm.model.keras_internals import build_unbuilt, passing_summed_gradients

_KINDS = (tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy)


def strategy_in_scope() -> tf.distribute.Strategy | None:
    """The strategy that a model made now belongs to; None on one device.

    Raises:
        ValueError: it is of a kind whose replicas do not all hold the same weights.
    """
    if not tf.distribute.has_strategy():
        return None
    strategy = tf.distribute.get_strategy()
    if not isinstance(strategy, _KINDS):
        raise ValueError(
            "`RNNModel` trains on one device or under a tf.distribute.MirroredStrategy or "
            f"MultiWorkerMirroredStrategy: take one of these. Received: {type(strategy).__name__}"
        )
    return strategy


def check_scope(strategy: tf.distribute.Strategy | None) -> None:
    """Refuse to work in the scope of another strategy than the model's own.

    Raises:
        ValueError: there is one.
    """
    if tf.distribute.has_strategy() and tf.distribute.get_strategy() is not strategy:
        raise ValueError(
            "A model trains under the tf.distribute strategy that it was made under: make and compile it "
            f"inside `strategy.scope()` too. Received: {type(tf.distribute.get_strategy()).__name__}"
        )


def check_made_in_scope(strategy: tf.distribute.Strategy | None, name: str, owner: Any) -> None:
    """Refuse what was made before the strategy's scope was entered, and so is not on all its devices.

    Raises:
        ValueError: one of the owner's variables was.
    """
    if strategy is None or owner is None:
        return
    if not all(strategy.extended.variable_created_in_scope(v.value) for v in owner.variables):
        raise ValueError(f"`{name}` was made outside of `strategy.scope()`: make it inside, with the model.")


def check_compiling(strategy: tf.distribute.Strategy | None, settings: dict[str, Any]) -> None:
    """Refuse what Keras cannot do with a step of several devices.

    Args:
        strategy: the model's.
        settings: what `compile` was given.

    Raises:
        ValueError: XLA is asked for, or a loop over batches.
    """
    if strategy is not None and (
        settings.get("jit_compile") is True or settings.get("steps_per_execution", 1) != 1
    ):
        raise ValueError(
            "Leave `jit_compile` and `steps_per_execution` out of `compile` under a tf.distribute strategy: "
            "XLA compiles for one device, and so does Keras' loop over batches."
        )


def check_shares(strategy: tf.distribute.Strategy | None, rows: int | None, name: str = "x") -> None:
    """Refuse batches that leave some replicas less to do than others.

    Raises:
        ValueError: the rows do not divide by the replicas.
    """
    replicas = 1 if strategy is None else strategy.num_replicas_in_sync
    if rows is not None and rows % replicas:
        fitting = max(replicas, rows - rows % replicas)
        raise ValueError(
            f"The rows of a batch must divide by the {replicas} replicas that share them: take a "
            f"`batch_size` of {fitting}, say. Received: `{name}` with batches of {rows} rows"
        )


def is_chief(strategy: tf.distribute.Strategy | None) -> bool:
    """Whether this process writes what a training leaves behind: of several workers one does."""
    return strategy is None or bool(strategy.extended.should_checkpoint)


def is_same_everywhere(strategy: tf.distribute.Strategy | None, number: int) -> bool:
    """Whether all workers come here with the same number; each of them must ask."""
    if strategy is None:
        return True
    numbers = strategy.experimental_distribute_values_from_function(lambda _: tf.constant(float(number)))
    return bool(strategy.reduce("SUM", numbers, axis=None) == number * strategy.num_replicas_in_sync)


def scope_of(strategy: tf.distribute.Strategy | None) -> contextlib.AbstractContextManager[Any]:
    """The scope in which variables are made."""
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def prepare(model: Any) -> None:
    """Make whatever a first step would make, which a replica cannot; does nothing on one device.

    Raises:
        ValueError: another strategy is in scope than the model's own.
    """
    check_scope(model.strategy)
    if model.strategy is not None:
        ids = tf.zeros((1, 1), tf.int32)
        with model.strategy.scope():
            build_unbuilt(model, ids, model(ids)[0])


def on_each_replica(model: Any, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A step of every replica at once, with the same, whole batch; its logs are one replica's."""
    strategy = model.strategy
    if strategy is None:
        return step

    def run(batch: Any) -> Any:
        with passing_summed_gradients(model.optimizer):
            logs = strategy.run(step, args=(batch,))
        return tf.nest.map_structure(lambda value: parts(strategy, value)[0], logs)

    return run


def own_rows(*batch: Any) -> list[Any]:
    """The rows of each tensor `(B, ...)` that this replica answers for; all of them on one device."""
    replica = _one_of_several()
    if replica is None:
        return list(batch)
    number = int(tf.get_static_value(replica.replica_id_in_sync_group))
    return [rows_of(tensor, number, replica.num_replicas_in_sync) for tensor in batch]


def rows_of(tensor: Any, replica: int, num_replicas: int) -> Any:
    """The rows of a tensor `(B, ...)` that a replica answers for."""
    rows = tf.shape(tensor)[0] if tensor.shape[0] is None else tensor.shape[0]
    return tensor[replica * rows // num_replicas : (replica + 1) * rows // num_replicas]


def parts(strategy: tf.distribute.Strategy | None, value: Any) -> tuple[Any, ...]:
    """What each replica of this process has of a variable; on one device, the variable."""
    return (value,) if strategy is None else tuple(strategy.experimental_local_results(value))


def rows_of_parts(strategy: tf.distribute.Strategy | None, value: Any) -> tuple[Any, ...]:
    """The rows of a tensor `(B, ...)` that each replica of this process answers for."""
    if strategy is None:
        return (value,)
    share = strategy.experimental_distribute_values_from_function(
        lambda context: rows_of(value, context.replica_id_in_sync_group, context.num_replicas_in_sync)
    )
    return parts(strategy, share)


def drawn_for_all(draw: Callable[[Any], Any], shape: Any, *, row_axis: int = 0) -> Any:
    """Random numbers for this replica's rows, the same that one device would draw for them.

    Args:
        draw: from a shape to random numbers.
        shape: the shape of this replica's.
        row_axis: which of its axes is B.
    """
    replica = _one_of_several()
    if replica is None:
        return draw(shape)
    shape = tf.convert_to_tensor(shape)
    rows = shape[row_axis]
    for_all = tf.tensor_scatter_nd_update(shape, [[row_axis]], [rows * replica.num_replicas_in_sync])
    own = replica.replica_id_in_sync_group * rows + tf.range(rows)
    return tf.gather(draw(for_all), own, axis=row_axis)


def averaged(gradients: list[Any], num_ids: Any) -> list[Any]:
    """The gradients of the mean over the whole batch, on each replica.

    Args:
        gradients: of the mean over this replica's rows: tensors, slices as an embedding's come, or None.
        num_ids: of this replica's rows, by which its gradients weigh.
    """
    replica = _one_of_several()
    if replica is None:
        return gradients
    weight = tf.cast(num_ids, tf.float32)
    weighted = [tf.cast(tf.convert_to_tensor(g), tf.float32) * weight for g in gradients if g is not None]
    *sums, total = replica.all_reduce("SUM", [*weighted, weight])
    means = iter(sums)
    return [None if g is None else tf.cast(next(means) / total, g.dtype) for g in gradients]


def _one_of_several() -> tf.distribute.ReplicaContext | None:
    """The replica that the present step is of; None where it is the only one, or outside of a step."""
    replica = tf.distribute.get_replica_context()
    return None if replica is None or replica.num_replicas_in_sync == 1 else replica
