"""The table of `lyric-lm evaluate --songs`."""

from typing import TYPE_CHECKING, Any

from lyric_lm.cli.plain_table import plain_table
from lyric_lm.evaluation.song_measures import song_measures, stanzas_of
from lyric_lm.generation.building import build_rules, build_sampler
from lyric_lm.generation.generate import generate
from lyric_lm.generation.line_ends import beginning, line_end
from lyric_lm.generation.rhyme import unit_of
from lyric_lm.generation.song_form import SongForm
from lyric_lm.generation.songs import write_songs
from lyric_lm.originality.copy_index import CopyIndex
from lyric_lm.settings.config import SamplingConfig

if TYPE_CHECKING:
    from lyric_lm.data import Lyrics

NUM_SONGS = 20
_CHARACTERS = 100  # of a free text
_MEASURES = ("lines", "rhymed", "as long as\nanother", "distinct", "in loops")
_COPYING = ("longest\ncopied run", "copied\n8-grams")


def songs_table(model: Any, learnt: "Lyrics", sampling: SamplingConfig, form: SongForm, *, seed: int) -> str:
    """What the model writes freely and in a form, beside the text that it learnt.

    Args:
        model: the model.
        learnt: its training text.
        sampling: how it writes; it must draw.
        form: of its songs.
        seed: of what it draws.
    """
    end, unit = line_end(model.vocabulary), unit_of(model.vocabulary.characters)
    index = CopyIndex(learnt.text)
    sampler, rules = build_sampler(sampling), build_rules(sampling, learnt)
    before = beginning(model.vocabulary)
    free = generate(model, [before] * NUM_SONGS, _CHARACTERS, sampler=sampler, rules=rules, seed=seed)
    free_stanzas = [stanza for text in free for stanza in stanzas_of(text, end)]
    songs = write_songs(
        model,
        form,
        count=NUM_SONGS,
        sampler=sampler,  # type: ignore[arg-type] # no beam comes here
        rules=rules,
        seed=seed,
    )
    written = [stanza.split("\n") for song in songs for stanza in str(song).split("\n\n")]
    measured = {
        f"{NUM_SONGS} free texts": song_measures(free_stanzas, unit=unit, index=index),
        f"{NUM_SONGS} songs of the form": song_measures(written, unit=unit, index=index),
        "the training text": song_measures(stanzas_of(learnt.text, end), unit=unit),
    }
    rows = [(name, *measures.cells()) for name, measures in measured.items()]
    return plain_table(("", *_MEASURES, *_COPYING), rows)
