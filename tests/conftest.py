"""What all tests share: XLA only where it is the subject, and property tests that may take their time."""

import os

import hypothesis
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no greeting of TensorFlow's from each process

from lyric_lm.model.stateful_model import StatefulModel

# Hypothesis' 200 ms for an example are over sooner on a busy machine, or where TensorFlow compiles something.
hypothesis.settings.register_profile("lyric_lm", deadline=None)
hypothesis.settings.load_profile("lyric_lm")


@pytest.fixture(autouse=True)
def _without_xla(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training is compiled by XLA only where a test is marked `xla`, starts a process or asks in `compile`.

    XLA takes seconds to compile each model, and most tests make one of their own.
    """
    if request.node.get_closest_marker("xla") is None:
        monkeypatch.setattr(StatefulModel, "_resolve_auto_jit_compile", lambda _: False)
