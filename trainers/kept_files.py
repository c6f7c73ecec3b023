"""Files that a run directory keeps of the user's, found from a file that lies somewhere in it."""

import re
from pathlib import Path

from searchspace.backbones.graft import sources
from searchspace.serialization.files import read_text
from trainers.start_weights import PATHS

MODELS, WEIGHTS = "models", "weights"
LEVELS = 6
"""Folders above a file that are looked at; a run's trained networks lie four below it."""
HASH = "[0-9a-f]{16}"


def find_kept_files(file: Path) -> None:
    """Make known the models, functions and weights that a run directory above `file` keeps."""
    for folder in list(file.resolve().parents)[:LEVELS]:
        for path in (folder / MODELS).glob("*.py"):
            if re.fullmatch(HASH, path.stem):
                sources.keep(path.name, read_text(path))
        for path in (folder / WEIGHTS).glob("*"):
            if re.fullmatch(HASH, path.name):
                PATHS.setdefault(path.name, path)
