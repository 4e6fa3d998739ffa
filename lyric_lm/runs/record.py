"""config.json: a run's settings, versions, corpus and vocabulary, and the checks before it is continued."""

import importlib.metadata
from typing import Any

from lyric_lm.data import Lyrics, Vocabulary
from lyric_lm.errors import RunError, RunMismatchError
from lyric_lm.settings.changes import differences, flat_settings
from lyric_lm.settings.config import TrainConfig

FORMAT_VERSION = 1

_PACKAGES = {"lyric_lm": "lyric-lm", "keras": "keras", "tensorflow": "tensorflow", "numpy": "numpy"}


def describe_run(
    config: TrainConfig,
    training: Lyrics,
    validation: Lyrics | None = None,
    *,
    heritage: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of config.json, JSON-able.

    Args:
        config: the settings, the seed among them.
        training: the text to learn.
        validation: the text held out, if any.
        heritage: what `describe_heritage` made of the run that this one goes on from, if any.
    """
    record: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "settings": config.to_dict(),
        "corpus": {
            "training": _text_record(training),
            "validation": None if validation is None else _text_record(validation),
        },
        "vocabulary": {"size": len(training.vocabulary), "sha256": training.vocabulary.sha256},
        "versions": versions(),
    }
    return record if heritage is None else {**record, "heritage": heritage}


def describe_heritage(
    record: dict[str, Any], *, path: str, model_sha256: str, vocabulary: Vocabulary
) -> dict[str, Any]:
    """What a run remembers of the one that it goes on from, its parent, and of the parent's own parents.

    Args:
        record: the parent's.
        path: the parent's folder.
        model_sha256: of the parent's model.keras, in hexadecimal.
        vocabulary: the characters that the parent knows.
    """
    parent = {"path": path, "model_sha256": model_sha256, "text": record["corpus"]["training"]}
    known = {**vocabulary.to_config(), "characters": "".join(vocabulary.characters)}
    return {"parents": [parent, *record.get("heritage", {}).get("parents", [])], "vocabulary": known}


def inherited_vocabulary(record: dict[str, Any]) -> Vocabulary | None:
    """The characters that a run knows from its parent; None where it has none.

    Raises:
        RunError: the record holds something else.
    """
    if "heritage" not in record:
        return None
    try:
        known = record["heritage"]["vocabulary"]
        return Vocabulary(known["characters"], unknown=bool(known["unknown"]))
    except (LookupError, TypeError, ValueError) as error:
        raise RunError(f"The run's config.json is damaged ({error!s:.120}): train the run again.") from error


def versions() -> dict[str, str]:
    """The installed versions of this package and of those that affect its numbers."""
    return {name: importlib.metadata.version(package) for name, package in _PACKAGES.items()}


def changed_versions(record: dict[str, Any]) -> str:
    """The packages whose versions have changed since a run began, in words; "" where none has."""
    now, before = versions(), record["versions"]
    return ", ".join(f"{name} {before[name]!s:.20}" for name in before if now.get(name) != before[name])


def check_record(record: Any, where: str) -> dict[str, Any]:
    """A record that `describe_run` made; anything else is refused.

    Args:
        record: what JSON held.
        where: what to call it.

    Raises:
        RunError: it is none, or of a later version.
    """
    version = record.get("format_version") if isinstance(record, dict) else None
    if type(version) is int and version > FORMAT_VERSION:
        raise RunError(f"{where} is of format {version}, from a later version of lyric_lm: install that one.")
    parts = ("settings", "corpus", "vocabulary", "versions")
    is_known = type(version) is int and version == FORMAT_VERSION
    if not is_known or not all(isinstance(record.get(part), dict) for part in parts):
        raise RunError(f"{where} is not what `lyric-lm train` wrote: train the run again.")
    return record  # type: ignore[no-any-return]


def settings_of(record: dict[str, Any], where: str) -> TrainConfig:
    """The settings of a record.

    Raises:
        RunError: they are none, or out of range.
    """
    settings = record["settings"]
    try:
        data = settings.get("data")
        if isinstance(data, dict) and "raw" not in data:  # of before there were readers: texts as they stood
            settings = {**settings, "data": {**data, "raw": True}}
        return TrainConfig.from_dict(settings)
    except (AttributeError, TypeError, ValueError) as error:
        raise RunError(f"{where} holds no usable settings ({error!s:.120}): train the run again.") from error


def check_corpus(record: dict[str, Any], training: Lyrics, validation: Lyrics | None = None) -> None:
    """Make sure that the texts are those of the run.

    Raises:
        RunMismatchError: they are others, with the difference shown.
    """
    changes = []
    for part, lyrics in (("training", training), ("validation", validation)):
        there = record["corpus"].get(part)
        here = None if lyrics is None else _text_record(lyrics)
        if _identity(there) != _identity(here):
            changes.append(f"the {part} text was {_shown(there)} and is now {_shown(here)}")
    if not changes and record["vocabulary"].get("sha256") != training.vocabulary.sha256:
        changes.append(
            f"the vocabulary had {record['vocabulary'].get('size')!r} characters and now has others"
        )
    if changes:
        raise RunMismatchError(
            f"This is not the text of the run: {'; '.join(changes)}. "
            "Restore the file that the run was trained on, or train a new run."
        )


def check_settings(stored: TrainConfig, given: TrainConfig) -> None:
    """Make sure that a training can go on under the given settings: only `epochs` may differ.

    A text's name may, too: it may have moved, and `check_corpus` looks at what is in it.

    Raises:
        RunMismatchError: another setting differs, with the difference shown.
    """
    there, here = flat_settings(stored), flat_settings(given)
    free = ("corpus", "validation_corpus", "epochs")[: 3 if stored.optimizer.schedule == "constant" else 2]
    if changes := list(differences(there, {**here, **{name: there[name] for name in free}})):
        raise RunMismatchError(
            f"The run cannot go on under other settings: {'; '.join(changes)}. "
            "Leave the flags out with --resume, or train a new run."
        )


def _text_record(lyrics: Lyrics) -> dict[str, Any]:
    return {"source": lyrics.source, "num_chars": len(lyrics.ids), "sha256": lyrics.sha256}


def _identity(text: Any) -> Any:
    return text.get("sha256") if isinstance(text, dict) else None


def _shown(text: Any) -> str:
    if not isinstance(text, dict):
        return "none"
    source, size, digest = (text.get(key) for key in ("source", "num_chars", "sha256"))
    return f"{source!r:.80} ({size!r:.12} characters, SHA-256 {digest!s:.12}…)"
