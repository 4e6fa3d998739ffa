"""The settings of a training that goes on from an earlier one."""

import dataclasses

from lyric_lm.settings.config import CorpusConfig, TrainConfig

_NETWORK = ("cell", "hidden_size", "num_layers", "activation", "embedding_dim", "tie_embeddings")
_HABITS = ("keep_newlines", "script", "skip_repeats", "unknown_share", "validation_split")
_HELD_OUT = 0.1  # of the text, where the earlier training had a text of its own to validate on


def settings_for(earlier: TrainConfig, corpus: CorpusConfig) -> TrainConfig:
    """The settings of an earlier training, for another text.

    Args:
        earlier: its settings.
        corpus: the text and how it is read; what it leaves at the defaults of line ends, script, choruses and
            the share held out is as the earlier training had it.

    >>> earlier = TrainConfig(CorpusConfig("old.txt", max_chars=500, keep_newlines=True))
    >>> corpus = settings_for(earlier, CorpusConfig("new.txt")).corpus
    >>> corpus.corpus, corpus.limit, corpus.keep_newlines
    ('new.txt', None, True)
    """
    default, kept = CorpusConfig(), {}
    for name in _HABITS:
        if getattr(corpus, name) == getattr(default, name):
            kept[name] = getattr(earlier.corpus, name)
    corpus = dataclasses.replace(corpus, **kept)
    if earlier.corpus.validates and not corpus.validates:
        corpus = dataclasses.replace(corpus, validation_split=_HELD_OUT)
    return dataclasses.replace(earlier, corpus=corpus)


def differences(earlier: TrainConfig, later: TrainConfig) -> list[str]:
    """Where two networks differ, so that the weights of one do not fit the other, in words.

    >>> from lyric_lm.settings.config import ModelConfig
    >>> differences(TrainConfig(), TrainConfig(model=ModelConfig(cell="gru")))
    ["`cell` is 'rnn' there and was given as 'gru'"]
    """
    pairs = ((name, getattr(earlier.model, name), getattr(later.model, name)) for name in _NETWORK)
    return [f"`{name}` is {old!r} there and was given as {new!r}" for name, old, new in pairs if old != new]
