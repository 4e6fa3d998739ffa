"""The comments beside a dataclass' fields, which are the help of the flags."""

import inspect
import re

_FIELD = re.compile(r"^    (?P<name>\w+): .*?(?:  # (?P<comment>.+))?$")
_LINE = re.compile(r"^    # (?P<comment>.+)$")


def comments_of(cls: type) -> dict[str, str]:
    """Of each field the comment behind it or, where that is too long, in the lines before it.

    >>> from lyric_lm.settings.config import ModelConfig
    >>> comments_of(ModelConfig)["cell"]
    'the recurrent cell'
    """
    comments: dict[str, str] = {}
    before: list[str] = []
    for line in inspect.getsource(cls).splitlines():
        if field := _FIELD.match(line):
            comments[field["name"]] = field["comment"] or " ".join(before)
        before = [*before, comment["comment"]] if (comment := _LINE.match(line)) else []
    return comments
