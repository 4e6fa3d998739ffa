"""What `lyric-lm train --dry-run` prints."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lyric_lm.settings.config import TrainConfig
    from lyric_lm.training.cost import Cost

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def cost_report(config: "TrainConfig", cost: "Cost") -> list[str]:
    """Lines about a training's cost."""
    rows, steps, work = config.optimizer.batch_size, config.optimizer.num_steps, cost.step
    memory = "" if cost.memory is None else f", {_amount(cost.memory)}B of memory"
    rate = work.flops / work.characters * cost.characters_per_second
    return [
        f"Parameters: {cost.parameters:,}.",
        f"A step of {rows} x {steps} characters: {_amount(work.flops)}FLOP in matrix products, "
        f"{_amount(work.bytes)}B read and written.",
        f"Speed: {cost.characters_per_second:,.0f} characters/s, {_amount(rate)}FLOP/s, measured.",
        f"The whole run: {duration(cost.seconds)}{memory}, for {cost.epochs:,} epochs of {cost.num_steps:,} "
        f"steps; patience or Ctrl-C may end it earlier.",
        f"The largest batch that fits this machine and this text: {cost.largest_batch:,} x {steps}.",
        "Nothing was written.",
    ]


def duration(seconds: float) -> str:
    """A time as people say it, to two places.

    >>> duration(7.25), duration(68), duration(3_700), duration(400_000)
    ('7.2 s', '1 min 8 s', '1 h 1 min', '4 days 15 h')
    """
    for unit, name, below, small in (
        (86_400, " days", 3_600, " h"),
        (3_600, " h", 60, " min"),
        (60, " min", 1, " s"),
    ):
        if seconds >= unit:
            whole = int(seconds // unit)
            return f"{whole}{name} {int(seconds % unit // below)}{small}"
    return f"{seconds:.1f} s"


def _amount(number: float) -> str:
    """A number with three digits and the letter of its size.

    >>> _amount(2_207_170_560)
    '2.21 G'
    """
    for size, letter in _UNITS:
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return f"{number:.3g} "
