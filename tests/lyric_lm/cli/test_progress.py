"""The bar below a command's lines."""

import io
import sys

import pytest

from lyric_lm.cli.progress import progress


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


def test_without_a_terminal_there_are_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as (show, watch):
        assert watch("trial 1", 3) == []
        show("one\x1b[31m")
    with progress(shown=False) as (show, watch):
        assert watch("", 3) == []
        show("two")
    assert capsys.readouterr().out == "one\\x1b[31m\n"


def test_on_a_terminal_each_training_has_the_bar_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    with progress() as (show, watch):
        for number in (1, 2):
            (bar,) = watch(f"trial {number}", 3)
            bar.on_epoch_end(0, {"perplexity": 12.5})
            show(f"{number}/2  [bold] 12.5")
    written = terminal.getvalue()
    assert "trial 1, epoch" in written
    assert "trial 2, epoch" in written
    assert "1/3" in written
    assert "perplexity 12.500" in written
    assert "2/2  [bold] 12.5" in written


def test_in_a_notebook_the_command_draws_its_bar_with_carriage_returns_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with progress() as (show, watch):
        (bar,) = watch("", 3)
        bar.on_epoch_end(1, {"perplexity": 12.5})
        show("epoch 2, perplexity 12.5")
    blank = " " * 70
    bar_line = f"{'█' * 13}{'░' * 7} epoch 2 of 3, perplexity 12.500"
    assert capsys.readouterr().out == f"\r{bar_line:70}\r{blank}\repoch 2, perplexity 12.5\n\r{blank}\r"
