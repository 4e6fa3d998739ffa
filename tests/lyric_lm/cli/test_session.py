"""The session, typed as a person would."""

import io
from collections.abc import Callable
from pathlib import Path

import pypinyin
import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from lyric_lm.cli import main
from lyric_lm.cli.prompt import line_reader
from lyric_lm.cli.song_draft import DraftLine, SongDraft
from lyric_lm.data import load_lyrics

Typed = Callable[..., list[str]]


@pytest.fixture(name="typed")
def _typed(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Typed:
    """Types lines into a session and gives what each of them is answered with."""
    own = tmp_path / "run"
    own.mkdir()
    for name in ("config.json", "model.keras"):
        (own / name).symlink_to(run_dir / name)

    def answers(*lines: str, command: str = "write", words: tuple[str, ...] = ("--seed", "1")) -> list[str]:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(line + "\n" for line in lines)))
        assert main([command, "--run-dir", str(own), "--interactive", *words]) == 0
        return [answer.strip("\n") for answer in capsys.readouterr().out.split("> ")[1:]]

    return answers


def test_lines_come_in_turn_and_are_told_apart(typed: Typed) -> None:
    first, second, shown, _ = typed("外婆", "", "/show")
    assert first
    assert second
    rows = [row.split() for row in shown.splitlines()]
    assert [row[:3] for row in rows] == [["1", "you", "外婆"], ["2", "model", first], ["3", "model", second]]


def test_of_several_lines_one_is_taken_by_its_number(typed: Typed) -> None:
    offered, taken, shown, *_ = typed("/more 5", "3", "/show")
    rows = offered.splitlines()
    assert [row.split()[0] for row in rows[:5]] == list("12345")
    assert rows[5].startswith("Type a number")
    assert taken == rows[2].split()[1]
    assert shown.split() == ["1", "model", taken]
    assert "lines 1 to 2" in typed("/more 2", "7")[1]


def test_lines_have_the_length_and_the_rhyme_that_hold_now(typed: Typed) -> None:
    answers = typed("/chars 5", "/rhyme 家", "外婆", "", "/rhyme off", "/chars 3-4", "外", "/rhyme", "")
    assert answers[1].endswith("lines of 5 that rhyme with 家")
    for line in answers[2:4]:
        assert len(line) == 5
        assert pypinyin.lazy_pinyin(line, style=pypinyin.Style.FINALS)[-1] in ("a", "ia", "ua")
    assert len(answers[6]) in (3, 4)
    ends = [pypinyin.lazy_pinyin(answers[i], style=pypinyin.Style.FINALS)[-1][-1:] for i in (6, 8)]
    assert ends[0] == ends[1]


def test_a_line_is_written_anew_unless_it_is_locked_or_typed(typed: Typed) -> None:
    answers = typed("外婆", "/again", "", "/lock 2", "/again 2", "/again 1", "/again all", "/show", "/undo")
    assert answers[0] != answers[1]
    assert answers[3] == "Line 2 is locked."
    assert answers[4] == "Line 2 is locked; /lock 2 lets it go."
    assert answers[5] == "Line 1 is yours; /again is for the model's lines."
    assert "\n" not in answers[6]
    assert answers[7].splitlines() == [
        "  1  you    外婆",
        f"  2  model  {answers[1]}  (locked)",
        f"  3  model  {answers[6]}",
    ]
    assert answers[8].splitlines()[2] == f"  3  model  {answers[2]}"


def test_a_song_is_saved_once_and_what_comes_after_takes_its_place(typed: Typed, tmp_path: Path) -> None:
    song = tmp_path / "song.txt"
    song.write_text("older\n\n", encoding="utf-8")
    first, saved, again, second, *_ = typed("外婆", f"/save {song}", f"/save {song}", "", f"/save {song}")
    assert saved.startswith("Saved to")
    assert again.endswith("has it already.")
    assert song.read_text(encoding="utf-8") == f"older\n\n外婆\n{first}\n{second}\n\n"
    assert not list((tmp_path / "run" / "unsaved").glob("*"))


def test_what_is_not_saved_is_kept_line_by_line_on_any_exit(typed: Typed, tmp_path: Path) -> None:
    first, *_, last = typed("外婆", "/new", "她", "/quit")
    kept = sorted((tmp_path / "run" / "unsaved").glob("*.txt"))
    assert [path.read_text(encoding="utf-8").splitlines()[0] for path in kept] == ["外婆", "她"]
    assert kept[0].read_text(encoding="utf-8") == f"外婆\n{first}\n"
    assert last == f"Not saved, so kept in {kept[1]}."


def test_a_draft_is_on_the_disk_before_the_next_line(tmp_path: Path) -> None:
    draft = SongDraft(tmp_path / "unsaved")
    draft.change((DraftLine("外婆", "you"),))
    kept = draft.kept_in
    assert kept is not None
    assert kept.read_text(encoding="utf-8") == "外婆\n"
    draft.undo()
    draft.undo()
    assert draft.lines == ()
    assert draft.kept_in is None
    assert not kept.exists()


@pytest.mark.parametrize("command", ["write", "generate"])
def test_the_same_seed_gives_the_same_lines(typed: Typed, command: str) -> None:
    words = ("--temperature", "1.5", "--seed", "2")
    one, other = (typed("外婆", "", "/more 3", command=command, words=words) for _ in range(2))
    assert one[:3] == other[:3]


def test_over_all_lines_no_more_than_max_copy_is_copied(typed: Typed) -> None:
    training = load_lyrics("built-in", max_chars=800).text
    longest = []
    for limit in ((), ("--max-copy", "4")):
        words = ("--seed", "3", "--greedy", *limit)
        written = " ".join(typed("外婆", *[""] * 9, command="generate", words=words)[:-1])
        places = range(len(written) + 1)
        longest.append(max(j - i for i in places for j in places if written[i:j] in training))
    assert longest[0] > longest[1] == 4


def test_a_strict_session_says_what_it_does_not_know_and_skips_nothing(typed: Typed) -> None:
    said, shown, _ = typed("龘她", "/show", command="generate", words=("--strict-prefix",))
    assert "does not know '龘' (U+9F98)" in said
    assert shown == "(nothing yet)"


def test_a_session_survives_what_it_does_not_understand(typed: Typed) -> None:
    wrong = {
        "/nonsense": "There is no /nonsense",
        "/top-k many": "/top-k takes a number",
        "/temperature -1": "`temperature` must be positive",
        "龘": "knows no character",
        "/chars 0": "`length` must be in [1, 60]",
        "/chars x": "/chars takes a number or two",
        "/more 0": "/more takes a number from 1 to 100",
        "/again": "There is no line yet.",
        "/lock 3": "There is no line yet.",
        "/rhyme": "There is no line before to rhyme with",
        "/rhyme ！": "must end in a character that can be read",
        "/save": "There is nothing to save.",
        "/save /": "There is nothing to save.",
        "/undo": "(nothing yet)",
        "/max-copy 3": "max_copy 3",
        "/greedy": "greedy,",
    }
    for said, answer in zip(wrong.values(), typed(*wrong), strict=False):
        assert said in answer


def test_help_has_an_example_of_each_command(typed: Typed) -> None:
    (shown, _) = typed("/help")
    for example in (
        "/more 8",
        "/again 3",
        "/lock 3",
        "/rhyme 光",
        "/chars 7",
        "/save song.txt",
        "/top-p 0.9",
    ):
        assert example in shown
    assert max(map(len, shown.splitlines())) < 100


def test_keys_edit_the_line_and_bring_back_what_was_typed(tmp_path: Path) -> None:
    left, up, backspace = "\x1b[D", "\x1b[A", "\x7f"
    with create_pipe_input() as keys:
        read = line_reader(tmp_path / "typed.txt", input=keys, output=DummyOutput())
        keys.send_text(f"外婆的锅{backspace}{left}{left}好{left}\n")
        assert read() == "外好婆的"
        keys.send_text(f"{up}{backspace}灶\n")
        assert read() == "外好婆灶"
        keys.send_text("\x04")
        with pytest.raises(EOFError):
            read()
    with create_pipe_input() as keys:
        read = line_reader(tmp_path / "typed.txt", input=keys, output=DummyOutput())
        keys.send_text(f"{up}{up}\n")
        assert read() == "外好婆的"
