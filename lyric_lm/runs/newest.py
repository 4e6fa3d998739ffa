"""`newest_run`: the run that a command means where none is named."""

from pathlib import Path

from lyric_lm.errors import RunError
from lyric_lm.runs.run import CONFIG, MODEL

RUNS = Path("runs")  # where `lyric-lm train` puts a run that is given no folder


def newest_run(folder: Path = RUNS) -> Path:
    """The run in a folder whose model was written last.

    Raises:
        RunError: there is none.
    """
    models = [path for path in folder.glob(f"*/{MODEL}") if (path.parent / CONFIG).is_file()]
    if not models:
        raise RunError(
            f"There is no trained run in {folder}: train one with lyric-lm train, or name one with --run-dir."
        )
    return max(models, key=lambda path: path.stat().st_mtime).parent
