"""`lyric-lm generate`, typed as a user would."""

import json
import os
import shutil
from pathlib import Path

import pytest

from lyric_lm.cli import main
from lyric_lm.data import load_lyrics


def generate(run_dir: Path, *words: str) -> int:
    return main(["generate", "--run-dir", str(run_dir), *words])


def test_it_writes_on_from_each_prefix(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--prefix", "外婆", "她", "--num-chars", "7", "--num-samples", "2", "--temperature", "1"]
    assert generate(run_dir, *words, "--seed", "1") == 0
    first = capsys.readouterr().out
    lines = first.splitlines()
    assert [line[:4] for line in lines] == ["1. 外", "", "2. 外", "", "3. 她", "", "4. 她"]
    assert [len(line) - 3 for line in lines[::2]] == [9, 9, 8, 8]
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
        ["--top-p", "0.8", "--top-k", "3"],
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
        (["--num-lines", "0"], "--num-lines must be at least 1"),
        (["--greedy", "--top-k", "3"], "leave out --top-k"),
        (["--num-chars", "0"], "--num-chars must be at least 1"),
        (["--temperature", "0"], "--temperature must be positive"),
        (["--top-p", "1.5"], "--top-p must be in (0, 1]"),
        (["--max-copy", "0"], "--max-copy must be at least 1"),
        (["--top-k", "3", "--beam-width", "5"], "Give only one of"),
        (["--beam-width", "3", "--interactive"], "which --beam-width cannot"),
        (["--report", "--interactive"], "leave out --report"),
        (["--prefix", "她", "--interactive"], "leave out --prefix"),
        (["--num-chars", "10000000000000"], "--num-chars must be at most 1000000"),
        (["--max-copy", "10000000000000"], "--max-copy must be at most 1000"),
        (["--beam-width", "10000000000000"], "--beam-width must be at most 1000"),
        (["--temperature", "1e-39"], "--temperature must be at least 0.001"),
    ],
)
def test_settings_out_of_range_are_refused(
    run_dir: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        generate(run_dir, *words)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


def test_a_folder_without_a_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate(tmp_path / "nowhere") == 2
    assert "nowhere" in capsys.readouterr().err


def test_whole_lines_end_where_a_line_does(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--prefix", "外婆 ", "", "--num-lines", "3", "--temperature", "1", "--seed", "1"]
    assert generate(run_dir, *words) == 0
    first, _, second = capsys.readouterr().out.splitlines()
    assert first.startswith("1. 外婆 ")
    assert len(first.removeprefix("1. 外婆 ").split()) == len(second.removeprefix("2. ").split()) == 3
    assert not second.endswith(" ")


def test_without_a_folder_the_newest_run_writes_and_is_named(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["generate"]) == 2
    assert "There is no trained run in runs: train one with lyric-lm train" in capsys.readouterr().err
    for name, age in (("old", 100), ("new", 0), ("untrained", 0)):
        path = tmp_path / "runs" / name
        shutil.copytree(run_dir, path)
        written = (path / "model.keras").stat().st_mtime - age
        os.utime(path / "model.keras", (written, written))
    (tmp_path / "runs" / "untrained" / "config.json").unlink()
    assert main(["generate", "--num-chars", "3"]) == 0
    assert capsys.readouterr().err == "lyric-lm: the newest run, runs/new\n"


def test_a_run_has_the_sampling_of_its_reports_unless_another_is_given(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    advised = tmp_path / "advised"
    shutil.copytree(run_dir, advised)
    record = json.loads((advised / "config.json").read_text(encoding="utf-8"))
    record["settings"]["sampling"] |= {"temperature": 1.5, "no_repeat_ngram": 1}
    (advised / "config.json").write_text(json.dumps(record), encoding="utf-8")
    texts = []
    for path, words in [
        (advised, []),
        (run_dir, ["--temperature", "1.5", "--no-repeat-ngram", "1"]),
        (advised, ["--greedy"]),
        (run_dir, ["--no-repeat-ngram", "1"]),
        (advised, ["--temperature", "0.001"]),
        (advised, ["--beam-width", "2"]),
        (run_dir, ["--beam-width", "2", "--no-repeat-ngram", "1"]),
    ]:
        assert generate(path, "--seed", "3", "--num-chars", "20", *words) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]
    assert texts[2] == texts[3] == texts[4]
    assert texts[5] == texts[6]
