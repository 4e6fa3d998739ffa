"""Which font is taken where several are installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lyric_lm.display import fonts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(fonts, "_font_folders", lambda: [tmp_path, tmp_path / "missing"])
    fonts.cjk_font.cache_clear()
    yield tmp_path
    fonts.cjk_font.cache_clear()


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        (["DejaVuSans.ttf", "NotoSans-Regular.ttf"], None),
        (["NotoSansCJK-Bold.ttc", "NotoSansCJK-Regular.ttc"], "NotoSansCJK-Regular.ttc"),
        (["NotoSerifCJK-Regular.ttc", "wqy-microhei.ttc"], "wqy-microhei.ttc"),
        (["Arial Unicode.ttf", "Hiragino Sans GB.ttc"], "Hiragino Sans GB.ttc"),
        (["msyhbd.ttc", "msyh.ttc", "simsun.ttc"], "msyh.ttc"),
        (["NotoSansSC[wght].ttf", "PingFang.txt"], "NotoSansSC[wght].ttf"),
    ],
)
def test_the_most_legible_font_with_chinese_characters_is_taken(
    folder: Path, installed: list[str], chosen: str | None
) -> None:
    (folder / "sub").mkdir()
    for name in installed:
        (folder / "sub" / name).touch()
    assert fonts.cjk_font() == (None if chosen is None else folder / "sub" / chosen)
