"""`--recipe generalize` on the command line: its values are the defaults, the user's flags count more."""

from pathlib import Path
from typing import Any

import pytest

from lyric_lm.cli import main
from lyric_lm.cli.recipe import asked_recipe
from lyric_lm.cli.tune import Tune
from lyric_lm.data import load_lyrics
from lyric_lm.runs.run import Run
from lyric_lm.settings.recipe import generalize


@pytest.mark.parametrize(
    ("name", "words", "size"),
    [
        ("train", ["--recipe", "generalize"], 256),
        ("train", ["--seed", "3", "--recipe=generalize", "--help"], 256),
        ("train", ["--recipe", "chapter"], None),
        ("train", [], None),
        ("tune", ["--recipe", "generalize"], (128, 256, 512)),
        ("generate", ["--prefix", "--recipe"], None),
    ],
)
def test_the_recipe_is_asked_for_by_its_flag(name: str, words: list[str], size: Any) -> None:
    command = asked_recipe(name, words)
    if isinstance(command, Tune):
        assert command.values.hidden_size == size
    else:
        assert (command and command.config.model.hidden_size) == size


def test_help_shows_the_chapters_values_and_with_the_recipe_the_recipes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = []
    for flags in ([], ["--recipe", "generalize"]):
        with pytest.raises(SystemExit, match="0"):
            main(["train", *flags, "--help-all"])
        shown.append(" ".join(capsys.readouterr().out.split()))
    assert "(default: 250)" in shown[0]
    assert "(default: sgd)" in shown[0]
    assert "(default: adamw)" in shown[1]


def test_the_recipes_values_follow_the_texts_length_and_flags_override_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = load_lyrics("built-in", max_chars=2).text
    flags = ["--max-chars", "600", "--validation-split", "0.2", "--hidden-size", "6", "--epochs", "1"]
    flags += ["--skip-repeats", "--no-tie-embeddings"]  # a switch as the recipe has it, and one turned round

    status = main(
        ["train", "--recipe", "generalize", *flags, "--prefixes", prefix, "--run-dir", str(tmp_path / "run")]
    )

    assert status == 0
    settings, recipe = Run.open(tmp_path / "run").settings(), generalize(480)
    assert settings.corpus.validation_split == 0.2
    assert (settings.model.hidden_size, settings.optimizer.epochs) == (6, 1)
    assert (settings.corpus.skip_repeats, settings.model.tie_embeddings) == (True, False)
    assert settings.model.dropout == recipe.model.dropout
    assert settings.optimizer.batch_size == recipe.optimizer.batch_size
    assert "Saved in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--validation-split", "0.0005"], "too short"),
        (["--validation-corpus", "no-such-file.txt"], "There is no file"),
        (["--max-chars", "20", "--validation-split", "0.5", "--num-steps", "30"], "too short for one batch"),
    ],
)
def test_a_text_that_cannot_be_used_leaves_no_folder_behind(
    tmp_path: Path, flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "--recipe", "generalize", "--max-chars", "1000", *flags]
    assert main([*command, "--run-dir", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("share", ["0", "1", "-0.1", "1.5"])
def test_a_share_out_of_range_is_refused(share: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["train", f"--validation-split={share}"])
    assert "--validation-split" in capsys.readouterr().err


def test_patience_without_a_text_to_validate_on_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["train", "--patience", "3"])
    assert "--validation-split" in capsys.readouterr().err
