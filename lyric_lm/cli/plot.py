"""`lyric-lm plot`."""

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Plot:
    """Draw how runs, or a search's best trials, went: perplexity, validation, gradient norm, samples."""

    run_dir: tuple[Path, ...]  # the folders of the runs to compare, or of a search
    output: Path | None = None  # the PNG, with the SVG beside it; None: plot.png in the first folder

    def __post_init__(self) -> None:
        if not self.run_dir:
            raise ValueError("`run_dir` must name at least one folder of a run. Received: none")
        if self.output is not None and self.output.suffix.lower() != ".png":
            raise ValueError(f"`output` must end in .png. Received: output={self.output}")

    def run(self) -> None:
        """Draw and say where the files are."""
        from lyric_lm.data.printable import printable
        from lyric_lm.display.fonts import FONT_ADVICE, cjk_font
        from lyric_lm.display.plotting import draw_runs
        from lyric_lm.runs.curves import RunCurves

        runs = [run for path in self.run_dir for run in RunCurves.read_all(path)]
        png, svg = draw_runs(runs, self.output or self.run_dir[0] / "plot.png")
        print(printable(f"Drawn in {png} and {svg}."))
        if cjk_font() is None:
            print(f"The samples are left out: {FONT_ADVICE}.")
