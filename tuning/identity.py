"""search.json: what a search is, so that it is continued only as what it was."""

import json
import shutil
from pathlib import Path
from typing import Any

from lyric_lm.errors import RunExistsError, RunMismatchError
from lyric_lm.runs.folder_lock import holds_files
from lyric_lm.runs.json_files import read_json, write_json
from lyric_lm.settings.changes import differences
from lyric_lm.settings.search import SearchConfig
from lyric_lm.tuning.hypermodel import RNNHyperModel

IDENTITY = "search.json"
GO_ON = "give the same command again, without --overwrite, to go on"
_OWN = (IDENTITY, "keras_tuner", "trials", "best", "retrained", "workers", "perplexity.png")


def identity_of(hypermodel: RNNHyperModel, settings: SearchConfig, objective: str) -> dict[str, Any]:
    """Everything that the finished trials of a search depend on; more trials may be asked for later."""
    varied, texts = hypermodel.space.searched(hypermodel.base), hypermodel.texts
    identity = {
        "space": {hp.name: _domain(hp) for hp in hypermodel.declared.space},
        "objective": objective,
        "corpus": {
            "training": texts.training.sha256,
            "validation": texts.validation and texts.validation.sha256,
        },
        "tuner": settings.tuner,
        "pruning": settings.pruning,
        "search_seed": settings.search_seed,
    }
    for part, stays in hypermodel.base.to_dict().items():
        identity[part] = {name: value for name, value in stays.items() if name not in varied}
    return dict(json.loads(json.dumps(identity)))  # as it will be read again


def open_search(run_dir: Path, identity: dict[str, Any], *, overwrite: bool) -> None:
    """Begin a search in a folder, or make sure that the one it holds is the same.

    Args:
        run_dir: a folder, locked, that is empty or holds a search.
        identity: of the search.
        overwrite: whether to delete the search that the folder holds.

    Raises:
        RunExistsError: the folder holds something else.
        RunMismatchError: it holds another search.
    """
    holds_search = (run_dir / IDENTITY).is_file()
    if holds_files(run_dir) and not holds_search:
        raise RunExistsError(f"{run_dir} holds files that are not a search's: choose another --run-dir.")
    if holds_search and not overwrite:
        check_same(run_dir, identity)
        return
    for name in _OWN[::-1]:  # search.json last: without it this is no search's folder
        path = run_dir / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    write_json(run_dir / IDENTITY, identity)


def check_same(run_dir: Path, identity: dict[str, Any]) -> None:
    """Refuse to go on with another search, or without one.

    Raises:
        RunMismatchError: they differ, and where; or there is none.
    """
    stored = read_json(run_dir / IDENTITY)
    if stored is None:
        raise RunMismatchError(
            f"{run_dir} does not hold the chief's search: give the chief and all workers one --run-dir, on a "
            "disk that they share."
        )
    if changes := list(differences(stored, identity)):
        raise RunMismatchError(
            f"{run_dir} holds another search: {'; '.join(changes[:3])}. Give the same flags to go on "
            "with it, choose another --run-dir, or replace it with --overwrite."
        )


def _domain(hp: Any) -> list[Any]:
    return [hp.min_value, hp.max_value] if hasattr(hp, "min_value") else list(hp.values)
