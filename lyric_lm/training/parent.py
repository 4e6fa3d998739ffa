"""`Parent`: an earlier run whose model a new training goes on from."""

import dataclasses
import hashlib
import os
from typing import Any, Self

from lyric_lm.data import CorpusNotFoundError
from lyric_lm.errors import RunMismatchError, SettingsError
from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.runs.kept_texts import kept_texts
from lyric_lm.runs.record import describe_heritage
from lyric_lm.runs.run import MODEL, Run
from lyric_lm.settings.config import CorpusConfig, TrainConfig
from lyric_lm.settings.inheritance import differences, settings_for
from lyric_lm.training.texts import Texts, read_texts


@dataclasses.dataclass(frozen=True)
class Parent:
    """An earlier run, also a trial of a search, whose model and settings a new training goes on from."""

    run: Run
    model: RNNModel
    settings: TrainConfig
    heritage: dict[str, Any]  # for the record of the new run: see `describe_heritage`

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Read a run.

        Args:
            path: its folder.

        Raises:
            RunError: there is no run, its training has left no model yet, or a file is damaged.
        """
        run = Run.open(path)
        settings, model = run.settings(), run.load_model()
        heritage = describe_heritage(
            run.record(),
            path=str(run.path.resolve()),
            model_sha256=hashlib.sha256((run.path / MODEL).read_bytes()).hexdigest(),
            vocabulary=model.vocabulary,
        )
        return cls(run, model, settings, heritage)

    @classmethod
    def of(cls, run: Run) -> Self | None:
        """The parent of a run, as it was when the run began; None where it has none.

        Raises:
            RunError: it has one that is not there any more, or is damaged.
            RunMismatchError: it has one that was trained again.
        """
        heritage = run.record().get("heritage")
        if heritage is None:
            return None
        known = heritage["parents"][0]
        parent = cls.open(known["path"])
        if parent.heritage["parents"][0]["model_sha256"] != known["model_sha256"]:
            raise RunMismatchError(
                f"{known['path']}, which this run goes on from, holds another model now: "
                "train a new run from it with --from."
            )
        return parent

    def settings_for(self, corpus: CorpusConfig) -> TrainConfig:
        """Its settings, for another text; see `lyric_lm.settings.inheritance.settings_for`."""
        return settings_for(self.settings, corpus)

    def texts(self, corpus: CorpusConfig) -> Texts:
        """A text to go on with, in ids that stand for the characters of both.

        Where its own text is meant, and the file is gone, it is the text that the run keeps.

        Raises:
            CorpusError: the text cannot be read.
        """
        try:
            texts = read_texts(corpus)
        except CorpusNotFoundError:
            kept = kept_texts(self.run) if corpus == self.settings.corpus else None
            if kept is None:
                raise
            texts = Texts(*kept)
        return texts.knowing(self.model.vocabulary)

    def check(self, config: TrainConfig) -> None:
        """Refuse settings of another network than the parent's.

        Raises:
            SettingsError: the network differs, with the differences shown.
        """
        if found := differences(self.settings, config):
            raise SettingsError(
                f"A training that goes on from {self.run.path} keeps its network: {'; '.join(found)}. "
                "Leave these settings out, or train anew without --from."
            )
