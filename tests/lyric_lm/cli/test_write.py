"""`lyric-lm write`, typed as a user would."""

from pathlib import Path

import pytest

from lyric_lm.cli import main


def write(run_dir: Path, *words: str) -> int:
    return main(["write", "--run-dir", str(run_dir), *words])


def test_standard_output_holds_the_songs_alone_a_blank_line_between_two(
    run_dir: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = tmp_path / "table.txt"
    words = ["--form", "5 6 3", "--rhyme", "A-A", "--num-songs", "2", "--seed", "1", "--report"]
    assert write(run_dir, *words, "--report-file", str(table)) == 0
    captured = capsys.readouterr()
    songs = [song.split("\n") for song in captured.out.removesuffix("\n").split("\n\n")]
    assert [[len(line) for line in song] for song in songs] == [[5, 6, 3], [5, 6, 3]]
    assert captured.err.strip() == table.read_text(encoding="utf-8").strip()
    rows = table.read_text(encoding="utf-8").splitlines()
    assert len(rows) == 7
    for row, line in zip(rows[1:], [line for song in songs for line in song], strict=True):
        assert row.split()[2] == str(len(line))
        assert row.endswith(line)
    write(run_dir, *words)
    assert capsys.readouterr().out == captured.out


def test_songs_of_stanzas_are_parted_by_two_blank_lines(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write(run_dir, "--form", "3 4 / 3 4", "--num-songs", "2") == 0
    songs = capsys.readouterr().out.split("\n\n\n")
    assert [[len(stanza.split()) for stanza in song.split("\n\n")] for song in songs] == [[2, 2], [2, 2]]


def test_a_template_gives_lengths_and_stanzas_an_acrostic_the_beginnings(
    run_dir: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    template = tmp_path / "song.txt"
    template.write_text("一二三四\n五六七\n\n八九\n", encoding="utf-8")
    assert write(run_dir, "--template", str(template), "--acrostic", "她 鍋") == 0
    captured = capsys.readouterr()
    stanzas = [stanza.split() for stanza in captured.out.split("\n\n")]
    assert [[len(line) for line in stanza] for stanza in stanzas] == [[4, 3], [2]]
    assert stanzas[0][0][0] == "她"
    assert stanzas[1][0][0] == "锅"
    assert "'鍋' was read as '锅'" in captured.err


def test_an_acrostic_alone_has_a_line_for_each_character(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write(run_dir, "--acrostic", "外婆") == 0
    assert [line[0] for line in capsys.readouterr().out.split()] == ["外", "婆"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--form", "7 x"], "Received: 'x'"),
        (["--form", "7 7", "--rhyme", "ABC"], "has 3 letters, the form 2 lines"),
        (["--form", "7", "--acrostic", "外婆"], "has 2 characters, the form only 1 lines"),
        (["--acrostic", "外龘"], "No line can begin with '龘' (U+9F98): the model knows "),
        (["--form", " ".join(["1"] * 40), "--rhyme", "A" * 40, "--rhyme-by", "final", "--tones"], "No line"),
        (["--template", "/nowhere.txt"], "nowhere.txt"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_sentence(
    run_dir: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert write(run_dir, *words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert said in captured.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--num-songs", "0"], "--num-songs must be at least 1"),
        (["--seed", "-1"], "--seed must be at least 0"),
        (["--beam-width", "3"], "leave it out"),
        (["--template", "a.txt", "--form", "7"], "leave out --form and --rhyme"),
        (["--interactive", "--form", "7"], "leave out --form"),
        (["--interactive", "--report"], "leave out --report"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(
    run_dir: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        write(run_dir, *words)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
