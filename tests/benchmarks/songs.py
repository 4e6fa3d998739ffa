"""Songs of four forms: are all lines right, how long do they take, how natural are they, what is copied?

Lengths, rhymes and beginnings are read off the printed songs, by `pypinyin` and a table of 十三辙 of this
file's own. Bits per character are those of the songs' lines with their ends, and those of free texts that the
same model drew at the same temperature.

    python tests/benchmarks/songs.py R --songs 50
"""

import argparse
import math
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from pypinyin import Style, lazy_pinyin

from lyric_lm import CopyIndex, MaxCopy, NoRepeatNgram, SongForm, Temperature, generate, write_songs
from lyric_lm.cli.given_run import open_run, training_text
from lyric_lm.evaluation.scoring import surprisals

FORMS = [  # lengths, rhymes of all lines, lines of a stanza, beginnings
    ("7 7 7 7 / 7 7 7 7", "AABAAABA", 4, ""),
    ("7 7 5 7", "AABA", 4, ""),
    ("6-9 6-9 6-9 6-9", "ABAB", 4, ""),
    ("8 8 8 8 8 8 8 8", "AABBCCDD", 8, "分开快乐我们一起"),
]
THIRTEEN = "a ia ua|o e uo|ie ve|i v er|u|ai uai|ei uei|ao iao|ou iou|an ian uan van|en in uen vn"
THIRTEEN += "|ang iang uang|eng ing ueng ong iong"
GROUP_OF = {final: i for i, finals in enumerate(THIRTEEN.split("|")) for final in finals.split()}


def group(line: str) -> int | None:
    letters = "".join(char for char in line if char.isalnum())
    return GROUP_OF.get(lazy_pinyin(letters, style=Style.FINALS, strict=True)[-1])


def alike(group: int | None, other: int | None) -> bool:
    """Whether two lines rhyme; what is not Chinese, None, rhymes with nothing."""
    return group is not None and group == other


def wrong_lines(song: str, lengths: str, rhymes: str, size: int, beginnings: str) -> list[str]:
    """The lines of a printed song that are not as its form wants them."""
    lines = [line for line in song.split("\n") if line]
    ranges = [tuple(map(int, word.split("-"))) for word in lengths.replace("/", " ").split()]
    assert len(lines) == len(ranges), song
    groups = [group(line) for line in lines]
    wrong = []
    for i, line in enumerate(lines):
        stanza = range(i // size * size, i // size * size + size)
        others = [j for j in stanza if j != i]
        is_right = (
            ranges[i][0] <= sum(char.isalnum() for char in line) <= ranges[i][-1]
            and all(alike(groups[i], groups[j]) == (rhymes[i] == rhymes[j]) for j in others)
            and line.startswith(beginnings[i : i + 1])
        )
        wrong += [] if is_right else [line]
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--songs", type=int, default=50, help="of each form")
    parser.add_argument("--show", action="store_true", help="print them")
    given = parser.parse_args()
    run = open_run(given.run_dir)
    model = run.load_model()
    learnt = training_text(run, model.vocabulary)
    rules = [MaxCopy(learnt.ids, 8, vocab_size=len(model.vocabulary)), NoRepeatNgram(4)]
    songs: list[Any] = []
    for seed, form in enumerate(FORMS):
        seconds, wrong, num_lines = [], 0, 0
        begun = time.perf_counter()
        parsed = SongForm.parse(form[0], form[1], acrostic=form[3])
        for song in write_songs(
            model, parsed, count=given.songs, sampler=Temperature(0.8), rules=rules, seed=seed
        ):
            seconds.append(time.perf_counter() - begun)
            songs.append(song)
            bad = wrong_lines(str(song), *form)
            wrong, num_lines = wrong + len(bad), num_lines + len(song.lines)
            if given.show:
                print(f"{song}\n")
            begun = time.perf_counter()
        later = statistics.median(seconds[1:] or seconds)
        print(f"{form[0]}  {form[1]}: {wrong} of {num_lines} lines wrong; ", end="")
        print(f"the first song {seconds[0]:.2f} s, the others {later:.2f} s (median)", flush=True)
    report(model, learnt, rules, songs)


def report(model: Any, learnt: Any, rules: Any, songs: list[Any]) -> None:
    lines = [line for song in songs for line in song.lines]
    index = CopyIndex(learnt.text)
    print(f"longest copied run: {max(int(index.match_lengths(line.text).max()) for line in lines)}")
    print(f"repeated lines: {len(lines) - len({line.text for line in lines})} of {len(lines)}")
    sizes = [len(line.text) + 1 for line in lines]
    ours = sum(line.bits * size for line, size in zip(lines, sizes, strict=True)) / sum(sizes)
    end = "\n" if "\n" in model.vocabulary else " "
    context = model.vocabulary.encode(end)
    free = generate(model, [end] * 40, 200, sampler=Temperature(0.8), rules=rules, seed=1)
    nats = [surprisals(model, model.vocabulary.encode(text[1:]), context=context) for text in free]
    theirs = float(np.concatenate(nats).mean()) / math.log(2)
    print(f"bits per character: songs {ours:.3f}, free texts {theirs:.3f}, ratio {ours / theirs:.3f}")


if __name__ == "__main__":
    main()
