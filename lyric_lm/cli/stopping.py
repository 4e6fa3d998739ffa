"""`stop_at_epoch_end`: Ctrl-C and SIGTERM end a training without losing anything."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stop_at_epoch_end(stop: Callable[[], object], *, tell: Callable[[str], object]) -> Iterator[list[int]]:
    """Let the first Ctrl-C or SIGTERM ask for a stop, and the second one stop at once.

    Args:
        stop: called at the first one; must return at once.
        tell: called with a sentence for the user.

    Yields:
        The numbers of the signals that came; empty as long as none did.
    """
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        received.append(number)
        # The default handler takes the next signal of this kind: it need not wait for TensorFlow to return.
        signal.signal(number, signal.SIG_DFL)
        if len(received) > 1:
            os.kill(os.getpid(), number)
        stop()
        tell("Stopping at the end of this epoch; once more stops at once, back to the last checkpoint.")

    try:
        for number in _SIGNALS:
            signal.signal(number, handle)
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
