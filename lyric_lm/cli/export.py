"""`lyric-lm export`."""

import dataclasses
from pathlib import Path
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Export:
    """Write a trained model in another format, which needs no lyric_lm and is checked against the model."""

    run_dir: Path  # the folder of a finished run
    to: Path  # a new folder
    format: Literal["savedmodel", "onnx", "litert", "web"] = "savedmodel"  # web: a page for any browser
    # for web: the folder of the npm package onnxruntime-web; None: that in node_modules, or npm fetches it
    web_runtime: Path | None = None

    def run(self) -> None:
        """Write the folder and say how it is used."""
        from lyric_lm.data.printable import printable
        from lyric_lm.export import export_model
        from lyric_lm.runs.run import Run

        model = Run.open(self.run_dir).load_model()
        folder = export_model(model, self.to, self.format, web_runtime=self.web_runtime)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        use = (
            f"Open {folder / 'index.html'}." if self.format == "web" else f"{folder / 'README.md'} says how."
        )
        print(printable(f"Exported to {folder} ({size / 1e6:.1f} MB): same logits, same text. {use}"))
