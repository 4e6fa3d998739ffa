"""What the tests of pictures share."""

from typing import Any

import pytest
from matplotlib.figure import Figure

from lyric_lm.display import plotting, trial_picture


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Every figure that is drawn meanwhile."""
    made: list[Figure] = []

    def make(*args: Any, **kwargs: Any) -> Figure:
        made.append(Figure(*args, **kwargs))
        return made[-1]

    for module in (plotting, trial_picture):
        monkeypatch.setattr(module, "Figure", make)
    return made
