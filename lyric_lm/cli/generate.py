"""`lyric-lm generate`."""

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Generate:
    """Write on from a prefix with a trained model."""

    run_dir: Path  # the folder of a finished run
    prefix: str = "分开"  # what to continue
    num_chars: int = 50  # characters to add

    def __post_init__(self) -> None:
        if not self.prefix:
            raise ValueError("`prefix` must hold at least one character. Received: prefix=''")
        if self.num_chars < 1:
            raise ValueError(f"`num_chars` must be at least 1. Received: num_chars={self.num_chars}")

    def run(self) -> None:
        """Print the prefix and its continuation."""
        from lyric_lm.generation import generate
        from lyric_lm.printable import printable
        from lyric_lm.runs import Run

        model = Run.open(self.run_dir).load_model()
        print(printable(generate(model, self.prefix, self.num_chars)))
