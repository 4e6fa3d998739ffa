"""`lyric-lm generate`, typed as a user would."""

import io
from pathlib import Path

import pytest

from lyric_lm.cli import main
from lyric_lm.data import load_lyrics


@pytest.fixture(name="run_dir", scope="module")
def _run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "run"
    words = "--hidden-size 24 --batch-size 4 --num-steps 10 --max-chars 800 --epochs 40 --no-tensorboard"
    words += " --cell gru --optimizer adam --learning-rate 0.03 --clipping-theta 1"
    assert main(["train", "--run-dir", str(path), "--prefixes", "外婆", *words.split()]) == 0
    return path


def generate(run_dir: Path, *words: str) -> int:
    return main(["generate", "--run-dir", str(run_dir), *words])


def test_it_writes_on_from_each_prefix(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--prefix", "外婆", "她", "--num-chars", "7", "--num-samples", "2", "--temperature", "1"]
    assert generate(run_dir, *words, "--seed", "1") == 0
    first = capsys.readouterr().out
    lines = first.splitlines()
    assert [line[:1] for line in lines] == ["外", "外", "她", "她"]
    assert [len(line) for line in lines] == [9, 9, 8, 8]
    generate(run_dir, *words, "--seed", "1")
    assert capsys.readouterr().out == first


def test_without_a_prefix_it_goes_on_from_the_ones_of_the_reports(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(run_dir, "--num-chars", "5") == 0
    assert capsys.readouterr().out.startswith("外婆")


def test_unknown_characters_of_a_prefix_are_mended_and_told(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(run_dir, "--prefix", "龘鍋", "--num-chars", "5") == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("锅")
    assert captured.err.count("\n") == 1
    assert "'鍋' was read as '锅'" in captured.err
    assert "'龘' (U+9F98) is unknown and was skipped" in captured.err


@pytest.mark.parametrize("words", [["--prefix", "龘鍋", "--strict-prefix"], ["--prefix", "龘"]])
def test_a_strict_prefix_or_one_of_which_nothing_is_left_is_refused(
    run_dir: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert generate(run_dir, *words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "龘" in captured.err


def test_nothing_longer_than_max_copy_is_copied_and_the_report_says_so(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(run_dir, "--prefix", "外婆", "--num-chars", "60", "--max-copy", "4", "--report") == 0
    lines = capsys.readouterr().out.splitlines()
    text, training = lines[0][2:], load_lyrics(max_chars=800).text
    assert not any(text[i : i + 5] in training for i in range(56))
    assert any(line.startswith("longest copied run  4 characters") for line in lines)


@pytest.mark.parametrize(
    "words",
    [
        ["--top-k", "5"],
        ["--top-p", "0.8", "--temperature", "0.7"],
        ["--beam-width", "3"],
        ["--temperature", "0.8", "--repetition-penalty", "1.2", "--no-repeat-ngram", "3"],
    ],
)
def test_samplers_and_rules_are_flags(
    run_dir: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert generate(run_dir, "--prefix", "外婆", "--num-chars", "20", *words) == 0
    assert len(capsys.readouterr().out.strip("\n")) == 22


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--prefix", ""], "`prefix` must hold at least one character"),
        (["--num-chars", "0"], "`num_chars` must be at least 1"),
        (["--temperature", "0"], "`temperature` must be positive"),
        (["--top-p", "1.5"], "`top_p` must be in (0, 1]"),
        (["--max-copy", "0"], "`max_copy` must be at least 1"),
        (["--top-k", "3", "--top-p", "0.5"], "Give only one of"),
        (["--beam-width", "3", "--interactive"], "which `beam_width` cannot"),
        (["--report", "--interactive"], "leave out `report`"),
        (["--prefix", "她", "--interactive"], "leave out `prefix`"),
        (["--num-chars", "10000000000000"], "`num_chars` must be at most 1000000"),
        (["--max-copy", "10000000000000"], "`max_copy` must be at most 1000"),
        (["--beam-width", "10000000000000"], "`beam_width` must be at most 1000"),
        (["--temperature", "1e-39"], "`temperature` must be at least 0.001"),
    ],
)
def test_settings_out_of_range_are_refused(
    run_dir: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        generate(run_dir, *words)
    assert stopped.value.code == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_folder_without_a_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate(tmp_path / "nowhere") == 2
    assert "nowhere" in capsys.readouterr().err


# ---------------------------------------------------------------- the session


def session(run_dir: Path, typed: str, monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert generate(run_dir, "--interactive", "--num-chars", "12", *words) == 0


def test_a_session_writes_the_next_line_and_keeps_what_is_liked(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    liked = tmp_path / "liked.txt"
    session(run_dir, f"外婆\n\n/save {liked}\n/show\n", monkeypatch)
    kept = liked.read_text(encoding="utf-8").strip()
    assert kept.startswith("外婆 ")
    assert len(kept.split()) >= 2
    assert kept in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["--temperature", "1"]])
def test_over_all_lines_of_a_session_no_more_than_max_copy_is_copied(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    training = load_lyrics("built-in", max_chars=800).text
    copied: list[int] = []
    for limit in ([], ["--max-copy", "4"]):
        liked = tmp_path / f"{len(copied)}.txt"
        typed = "外婆\n" + 9 * "\n" + f"/save {liked}\n"
        session(run_dir, typed, monkeypatch, "--seed", "3", *words, *limit)
        written = liked.read_text(encoding="utf-8").strip().removeprefix("外婆 ")
        assert len(written) > 30
        places = range(len(written) + 1)
        copied.append(max(j - i for i in places for j in places if written[i:j] in training))
    assert copied[0] > copied[1] == 4


def test_a_session_writes_the_same_with_the_same_seed_and_shows_what_it_keeps(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    for name in ("first", "second"):
        liked = tmp_path / name
        words = ["--temperature", "1.5", "--seed", "2"]
        session(run_dir, f"外婆\n她\n\n\n/save {liked}\n", monkeypatch, *words)
        texts.append(liked.read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    shown = capsys.readouterr().out.split("> ")[1:5]
    assert "".join(f"外婆{shown[0]}她{''.join(shown[1:])}".split()) == "".join(texts[0].split())


def test_a_strict_session_says_what_it_does_not_know_and_skips_nothing(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session(run_dir, "龘她\n/show\n", monkeypatch, "--strict-prefix")
    out = capsys.readouterr().out
    assert "does not know '龘' (U+9F98)" in out
    assert "她" not in out


def test_undo_takes_back_the_last_exchange(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []
    for extra in ("", "她\n/undo\n"):
        path = tmp_path / f"{len(texts)}.txt"
        session(run_dir, f"外婆\n{extra}/save {path}\n/quit\n", monkeypatch)
        texts.append(path.read_text(encoding="utf-8"))
    assert texts[0] == texts[1]


def test_a_session_survives_what_it_does_not_understand(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session(
        run_dir, "/nonsense\n/top-k many\n/temperature -1\n龘\n/length 0\n/max-copy 3\n/greedy\n", monkeypatch
    )
    out = capsys.readouterr().out
    for said in (
        "There is no /nonsense",
        "/top-k takes a number",
        "`temperature` must be positive",
        "knows no character",
        "/length takes a number of characters",
        "max_copy 3",
        "greedy;",
    ):
        assert said in out
