"""Models of the user's own, and weights to start from: a run directory keeps a copy of both.

So its results can be read, and the run continued, wherever the directory is. Reading a run executes
the kept file of a model that `study.json` names.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from searchspace import InputError
from searchspace.backbones.graft import sources
from searchspace.schema import from_json, objects
from searchspace.serialization.files import read_text, replacing
from trainers.kept_files import MODELS, WEIGHTS
from trainers.start_weights import PATHS, StartWeights


def keep_models(folder: Path, asked: Any) -> None:
    """Copy the files of the user's models that `asked`, a JSON form, names."""
    for source in sorted(_sources(asked)):
        text, path = sources.text_of(source), _place(folder, source)
        if text is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def find_kept_models(folder: Path, asked: Any) -> None:
    """Make the files known that `asked`, the JSON form of a run, names; runs none of them."""
    for source in sorted(_sources(asked)):
        path = _place(folder, source)
        if path.exists() and sources.keep(path.name, read_text(path)) != source:
            raise InputError(f"{path} has changed since the run was made; restore it")


def keep_weights(folder: Path, asked: Any) -> None:
    """Link or copy the files of weights that `asked`, a JSON form, starts from."""
    for weights in _weights(asked):
        path, source = _weights_place(folder, weights), PATHS.get(weights.hash)
        if source is None or path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            try:
                os.link(source, part)
            except OSError:
                # Another file system, or one without links.
                shutil.copyfile(source, part)


def find_kept_weights(folder: Path, asked: Any) -> None:
    """Make the kept files of weights known that `asked`, the JSON form of a run, names."""
    for weights in _weights(asked):
        path = _weights_place(folder, weights)
        if path.exists():
            PATHS.setdefault(weights.hash, path.resolve())


def _weights_place(folder: Path, weights: StartWeights) -> Path:
    return folder / WEIGHTS / weights.hash


def _weights(asked: Any) -> Iterator[StartWeights]:
    """The weights that the recipes in a JSON form start from."""
    for part in objects(asked):
        weights = part.get("weights")
        if isinstance(weights, dict) and set(weights) == {"name", "hash"}:
            yield from_json(StartWeights, weights)


def _place(folder: Path, source: str) -> Path:
    return folder / MODELS / f"{source.split()[-1]}.py"


def _sources(asked: Any) -> set[str]:
    """The source of every model, loss or augmentation of a user's file in a JSON form."""
    return {part["source"] for part in objects(asked) if sources.of_file(part.get("source"))}
