"""What `lyric-lm train` says before the first epoch: the text, the model, what is held out."""

from typing import TYPE_CHECKING

from lyric_lm.cli.flags import with_flags
from lyric_lm.data.stored_lyrics import HELD_ONLY

if TYPE_CHECKING:
    from lyric_lm.model.rnn_model import RNNModel
    from lyric_lm.settings.config import TrainConfig
    from lyric_lm.training import Parent, Texts


def text_header(config: "TrainConfig", texts: "Texts") -> list[str]:
    """Lines about the text, and what to expect of so short a one."""
    from lyric_lm.training.fitting import expectations

    training, validation = texts.training, texts.validation
    num_chars, num_songs = len(training.ids), len(training.song_starts)
    if validation is not None and config.corpus.validation_corpus is None:
        num_chars += len(validation.ids) - training.songs_apart  # which share the mark between them
        num_songs += len(validation.song_starts)
    origin = training.origin
    of_all = f" of its {origin.num_chars:,}" if origin and origin.num_chars > num_chars else ""
    flag = " (--max-chars)" if of_all else ""
    encodings = f", {', '.join(sorted(origin.encodings))}" if origin and origin.encodings else ""
    songs = f" in {num_songs:,} songs, each read apart" if training.songs_apart else ""
    lines = [f"Text: {training.source}, {num_chars:,}{of_all} characters{flag}{songs}{encodings}."]
    if said := str(origin or ""):
        lines.append(with_flags(f"  {said}."))
    if validation is not None:
        whose = validation.source if config.corpus.validation_corpus is not None else "the end of the text"
        songs = f"{len(validation.song_starts):,} whole songs, " if validation.songs_apart else ""
        lines.append(f"Held out: {whose}, {songs}{len(validation.ids):,} characters.")
    if not training.is_held:
        lines.append(HELD_ONLY)
    return [*lines, *expectations(texts)]


def model_header(config: "TrainConfig", model: "RNNModel", *, run_dir: str) -> str:
    """A line about the model and where it is kept."""
    layers = f"{config.model.num_layers} layers of " if config.model.num_layers > 1 else ""
    return (
        f"Model: {config.model.cell}, {layers}{config.model.hidden_size} units, {len(model.vocabulary):,} "
        f"different characters, {model.count_params():,} parameters. Run: {run_dir}"
    )


def parent_header(parent: "Parent", texts: "Texts") -> str:
    """A line about the run that the training goes on from."""
    new = parent.model.vocabulary.missing("".join(texts.training.vocabulary.characters))
    kinds = (
        f"{len(new):,} of the text's characters are new to it"
        if new
        else "it knows all of the text's characters"
    )
    return f"From: {parent.run.path}; {kinds}."
