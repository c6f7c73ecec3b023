"""Files that a recipe names: weights, a teacher, and functions of the user's."""

from collections.abc import Mapping
from typing import Any

from searchspace.backbones.graft.sources import split_file
from searchspace.schema import to_json
from trainers.start_weights import find_weights
from trainers.teacher import find_teacher
from trainers.user_function import find_function

FUNCTIONS = "loss", "augmentation"


def with_files(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a recipe whose files, where they are named, are found and hashed."""
    found = dict(fields)
    if isinstance(found.get("weights"), str):
        found["weights"] = to_json(find_weights(found["weights"]))
    if isinstance(found.get("teacher"), str | Mapping):
        found["teacher"] = find_teacher(found["teacher"])
    for name in FUNCTIONS:
        text = found.get(name)
        if isinstance(text, str) and split_file(text) is not None:
            found[name] = to_json(find_function(text))
    return found
