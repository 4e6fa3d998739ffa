"""From sampling settings to a sampler and rules."""

from typing import TYPE_CHECKING

from lyric_lm.errors import SettingsError
from lyric_lm.generation.rules import MaxCopy, NoRepeatNgram, RepetitionPenalty, Rule
from lyric_lm.generation.samplers import Beam, Greedy, Sampler, Temperature, TopK, TopP
from lyric_lm.settings.config import SamplingConfig

if TYPE_CHECKING:
    from lyric_lm.data import Lyrics


def build_sampler(config: SamplingConfig) -> Sampler | Beam:
    """The sampler that the settings name; greedy, the chapter's, where they name none."""
    temperature = 1.0 if config.temperature is None else config.temperature
    if config.beam_width is not None:
        return Beam(config.beam_width)
    if config.top_p is not None:
        return TopP(config.top_p, temperature, config.top_k)
    if config.top_k is not None:
        return TopK(config.top_k, temperature)
    return Greedy() if config.temperature is None else Temperature(temperature)


def build_rules(config: SamplingConfig, training: "Lyrics | None") -> list[Rule]:
    """The rules that the settings name.

    Args:
        config: the settings.
        training: the text that must not be copied; needed for `max_copy` only. Of one that is not in memory
            it is the end.

    Raises:
        SettingsError: `max_copy` is given without a text, or cannot work with this one.
    """
    rules: list[Rule] = []
    if config.repetition_penalty is not None:
        rules.append(RepetitionPenalty(config.repetition_penalty))
    if config.no_repeat_ngram is not None:
        rules.append(NoRepeatNgram(config.no_repeat_ngram))
    if config.max_copy is not None:
        if training is None:
            raise SettingsError(
                "`max_copy` needs the text that must not be copied: give `training`. Received: training=None"
            )
        try:
            rules.append(MaxCopy(training.held.ids, config.max_copy, vocab_size=len(training.vocabulary)))
        except ValueError as error:
            raise SettingsError(f"{error} Choose a higher --max-copy.") from error
    return rules
