"""Files of weights to start from: found on disk, never fetched, known by their content.

A file is named by its path, by `torchvision/NAME.WEIGHTS` or by `timm/NAME.TAG`; the last two are
looked for where these libraries keep what they have fetched. A file is one of safetensors, or one
of torch's, which is read with `weights_only`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from searchspace import InputError
from searchspace.backbones.graft.sources import beside, library
from searchspace.errors import first_line
from searchspace.schema import Value
from searchspace.serialization.files import check_regular

PATHS: dict[str, Path] = {}
"""Where files of weights are, by their hashes."""
NESTED = "state_dict", "model"
"""Entries of a file that hold the weights beside other things."""


@dataclass(frozen=True)
class StartWeights(Value):
    """A file of weights: its name without folders, and the hash of its content."""

    name: str
    hash: str

    def __post_init__(self) -> None:
        # Carried along to other processes.
        object.__setattr__(self, "path", PATHS.get(self.hash))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if state["path"] is not None:
            PATHS.setdefault(state["hash"], state["path"])

    def load(self) -> Mapping[str, Tensor]:
        """The tensors by name, on the CPU."""
        path = PATHS.get(self.hash)
        if path is None:
            raise InputError(f"the weights {self.name} with hash {self.hash} are not at hand")
        if file_hash(path) != self.hash:
            raise InputError(f"the weights {path} have changed since the run was made; restore it")
        return read_weights(path)


def find_weights(name: Any) -> StartWeights:
    """The weights of that name; an InputError says how to get them if they are not on disk."""
    if not isinstance(name, str) or not name:
        raise InputError(f"weights must be a file or torchvision/NAME.WEIGHTS, got {name!r}")
    prefix = name.partition("/")[0]
    finders = {"torchvision": _of_torchvision, "timm": _of_timm}
    path = beside(name)
    if prefix in finders and not path.exists():
        path = finders[prefix](name.partition("/")[2])
    check_regular(path)
    key = file_hash(path)
    PATHS[key] = path.resolve()
    return StartWeights(name if prefix in finders else path.name, key)


def file_hash(path: Path) -> str:
    """The first 16 digits of the SHA-256 of a file's content."""
    try:
        stat = path.stat()
        return _hash(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


@lru_cache(maxsize=32)
def _hash(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """The tensors of a file by name."""
    try:
        if _is_safetensors(path):
            from safetensors.torch import load_file

            data: Any = load_file(path)
        else:
            data = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Whatever a file that is none of these makes the readers raise.
        raise InputError(f"{path} cannot be read as weights: {first_line(error)}") from None
    for entry in NESTED:
        if isinstance(data, dict) and isinstance(data.get(entry), dict):
            data = data[entry]
    if not isinstance(data, dict) or not all(isinstance(v, Tensor) for v in data.values()):
        raise InputError(f"{path} must hold tensors by name, as network.state_dict() does")
    return data


def _is_safetensors(path: Path) -> bool:
    """Whether a file begins as safetensors do: the length of the header, then a JSON object."""
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"


def _of_torchvision(name: str) -> Path:
    models = library("torchvision").models
    model, _, tag = name.partition(".")
    try:
        tagged = models.get_model_weights(model)[tag or "DEFAULT"]
    except (KeyError, ValueError):
        raise InputError(
            f"torchvision has no weights {name!r}; they are named like resnet18.IMAGENET1K_V1"
        ) from None
    path = Path(torch.hub.get_dir()) / "checkpoints" / tagged.url.rsplit("/", 1)[-1]
    if not path.exists():
        raise InputError(
            f'{path} is not there; fetch it with python -c "import torchvision; '
            f"torchvision.models.get_model('{model}', weights='{tagged.name}')\""
        )
    return path


def _of_timm(name: str) -> Path:
    config = library("timm").models.get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id:
        raise InputError(f"timm has no weights {name!r}; they are named like resnet18.a1_in1k")
    from huggingface_hub import try_to_load_from_cache

    repository = str(config.hf_hub_id)
    found = try_to_load_from_cache(repository, "model.safetensors")
    if not isinstance(found, str):
        raise InputError(
            f"the weights of {repository} are not in the cache; fetch them with "
            f"python -c \"import timm; timm.create_model('{name}', pretrained=True)\""
        )
    return Path(found)
