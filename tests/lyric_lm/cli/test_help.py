"""Help at 80 columns, and what a wrong command line is told."""

import dataclasses
import shlex
import unicodedata

import pytest

from lyric_lm import __version__
from lyric_lm.cli import COMMANDS, main
from lyric_lm.cli.help import EXAMPLES
from lyric_lm.cli.parsing import parse
from lyric_lm.cli.recipe import asked_recipe


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert not stopped.value.code
    return capsys.readouterr().out


def columns(line: str) -> int:
    """How wide a terminal shows a line, by Unicode's table of wide characters."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def fields(part: type) -> set[str]:
    """The names of all fields, those of nested dataclasses in place of them."""
    found = set()
    for field in dataclasses.fields(part):
        nested = field.type if isinstance(field.type, type) else part
        found |= fields(nested) if dataclasses.is_dataclass(nested) and nested is not part else {field.name}
    return found


@pytest.mark.parametrize("width", [80, 60])
@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_the_terminal_without_broken_words(
    name: str, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for flag in ("--help", "--help-all", "-h"):
        text = shown(capsys, name, flag)
        explained, _, examples = text.partition("Examples:")
        assert max(map(columns, explained.splitlines())) <= width
        assert max(map(columns, examples.splitlines()), default=0) <= 80  # a command is not broken
        monkeypatch.setenv("COLUMNS", "1000")
        assert set(text.split()) - set(shown(capsys, name, flag).split()) == set()
        monkeypatch.setenv("COLUMNS", str(width))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_all_has_every_flag_and_help_the_first_of_them(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = shown(capsys, name, "--help-all")
    flags = {word for line in everything.splitlines() for word in line.split()[:1] if word.startswith("--")}
    for field in fields(COMMANDS[name]) - {"config"}:
        flag = {"from_run": "from"}.get(field, field.replace("_", "-"))
        assert {f"--{flag}", f"--no-{flag}"} & flags
    assert len(shown(capsys, name, "--help").splitlines()) <= 50
    assert "config" not in everything
    assert "MISSING" not in everything


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_parse(name: str) -> None:
    lines = [line.split("lyric-lm ")[1] for line in EXAMPLES[name].splitlines() if "lyric-lm " in line]
    assert len(lines) >= 2
    for command, *words in map(shlex.split, lines):
        assert command == name
        parse(name, COMMANDS[name], words, asked_recipe(name, words))


def test_the_overview_names_each_command_and_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--help"], ["-h"]):
        assert all(f"\n  {name} " in shown(capsys, *words) for name in COMMANDS)
    assert shown(capsys, "--version") == f"lyric-lm {__version__}\n"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("generate --num-char 3", "There is no flag --num-char; perhaps --num-chars."),
        ("train --xyzzy", "There is no flag --xyzzy."),
        ("generate --num-samples 0", "--num-samples must be at least 1. Received: --num-samples 0"),
        ("train --cell foo", "--cell takes {rnn,gru,lstm}. Received: foo"),
        ("tune --cell rnn foo", "--cell takes {rnn,gru,lstm}. Received: foo"),
        ("train --epochs 1.5", "--epochs takes a whole number. Received: 1.5"),
        ("train --max-chars abc", "--max-chars takes a whole number. Received: abc"),
        ("tune --dropout 0.5 x", "--dropout takes a number. Received: x"),
        ("train --batch-size", "Missing value of --batch-size."),
        ("train song.txt", "'song.txt' belongs to no flag."),
        ("evaluate", "Give --run-dir."),
        ("export --format web", "Give --run-dir and --to."),
        ("plot --run-dir", "--run-dir must name at least one folder of a run. Received: none"),
    ],
)
def test_a_wrong_command_line_gets_a_sentence_and_the_commands_help(
    line: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *words = line.split()
    with pytest.raises(SystemExit) as stopped:
        main([name, *words])
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    assert captured.err == f"lyric-lm: {sentence}\nSee: lyric-lm {name} --help\n"
    assert captured.out == ""


def test_a_wrong_command_is_told_the_one_that_is_like_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["trian", "--epochs", "3"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == (
        "lyric-lm: There is no command 'trian'; perhaps train.\nSee: lyric-lm --help\n"
    )


def test_completions_of_a_shell_are_no_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--num-lines" in shown(capsys, "generate", "--tyro-print-completion", "bash")
