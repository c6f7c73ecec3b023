"""Where a grafted model comes from: torchvision, timm, or a function in a file of the user's.

A model is named `torchvision/NAME`, `timm/NAME` or `FILE.py:FUNCTION`. Its source is the library's
version or the hash of the file's text; both are part of the keys of the networks made from it.
Importing this module imports neither library.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from torch import nn

from searchspace.checks import shown
from searchspace.errors import InputError, with_kind
from searchspace.serialization import user_code
from searchspace.serialization.files import read_text
from searchspace.serialization.user_code import UserFile

LIBRARIES = {"torchvision": "torchvision", "timm": "timm"}
"""The distributions of the libraries, by the prefix of a model's name."""
NO_AUXILIARY = "googlenet", "inception_v3"
"""Models of torchvision's that return several outputs in training unless told otherwise."""
CLASSES = ("num_classes",)
CHANNELS = "in_chs", "in_chans", "in_channels"
"""Arguments of functions of the user's that set the classes and the channels of the image."""

_folder: ContextVar[Path] = ContextVar("folder", default=Path())


@contextmanager
def files_beside(folder: Path) -> Iterator[None]:
    """Read names of the user's files as relative to `folder`."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def beside(name: str) -> Path:
    """The path of a file that a user has named."""
    return _folder.get() / name


def split_file(model: str) -> tuple[str, str] | None:
    """The file and the function of a model of the user's; None for a model of a library."""
    file, colon, function = model.rpartition(":")
    return (file, function) if colon and file.endswith(".py") and function else None


def is_model(name: str) -> bool:
    """Whether a text has the form of a model's name."""
    return name.partition("/")[0] in LIBRARIES or split_file(name) is not None


def identify(model: Any) -> tuple[str, str]:
    """The model's name without folders, and its source; an InputError if there is none."""
    if not isinstance(model, str):
        raise InputError(f"model must be a text, got {shown(model)}")
    own = split_file(model)
    if own is not None:
        path = beside(own[0])
        source = keep(path.name, read_text(path))
        function_of(f"{path.name}:{own[1]}", source)
        return f"{path.name}:{own[1]}", source
    prefix, slash, name = model.partition("/")
    if prefix not in LIBRARIES or not slash:
        raise InputError(
            f"model must be torchvision/NAME, timm/NAME or FILE.py:FUNCTION, got {shown(model)}"
        )
    _check_name(prefix, name)
    return model, f"{prefix} {version(LIBRARIES[prefix])}"


def check_source(model: Any, source: Any) -> None:
    """Raise an InputError unless a stored source is one that a model of this name can have."""
    if isinstance(model, str) and isinstance(source, str) and is_model(model):
        prefix = model.partition("/")[0]
        if of_file(source) if split_file(model) else source.startswith(f"{prefix} "):
            return
    raise InputError(f"no source of {shown(model)} is called {shown(source)}; leave source out")


def keep(name: str, text: str) -> str:
    """The source of a file of that name with this text, which can be used from now on."""
    return f"sha256 {user_code.keep(UserFile(Path(name), text))}"


def text_of(source: str) -> str | None:
    """The text of the file with this source; None if it is not known, or a library's."""
    file = user_code.FILES.get(_code(source))
    return None if file is None else file.text


def _code(source: str) -> str:
    return source.split()[-1]


def of_file(source: Any) -> bool:
    """Whether a source is the hash of a file."""
    return isinstance(source, str) and re.fullmatch("sha256 [0-9a-f]{16}", source) is not None


def make(
    model: str, source: str, num_classes: int | None = None, in_chs: int | None = None
) -> nn.Module:
    """The model without trained weights, from torch's global generator.

    `num_classes` and `in_chs` are passed where the model takes them; None leaves its own.
    """
    own = split_file(model)
    if own is not None:
        function = function_of(model, source)
        asked = (CLASSES, num_classes), (CHANNELS, in_chs)
        taken = inspect.signature(function).parameters
        given = {
            name: value
            for names, value in asked
            for name in names
            if name in taken and value is not None
        }
        return _called(model, function, given)
    prefix, _, name = model.partition("/")
    settings: dict[str, Any] = {} if num_classes is None else {"num_classes": num_classes}
    if prefix == "timm":
        if in_chs is not None:
            settings["in_chans"] = in_chs
        return _called(model, library("timm").create_model, {"model_name": name, **settings})
    auxiliary = {"aux_logits": False, "init_weights": True} if name in NO_AUXILIARY else {}
    models = library("torchvision").models
    settings |= {"name": name, "weights": None, **auxiliary}
    return _called(model, models.get_model, settings)


def _called(model: str, function: Callable[..., Any], arguments: dict[str, Any]) -> nn.Module:
    try:
        network = function(**arguments)
    except InputError:
        raise
    except NotImplementedError:
        # On the meta device: a model that reads a number while it is made.
        raise
    except Exception as error:
        raise InputError(f"{model} cannot be made: {with_kind(error)}") from error
    if not isinstance(network, nn.Module):
        raise InputError(f"{model} must return an nn.Module, got {type(network).__name__}")
    return network


def function_of(model: str, source: str) -> Callable[..., Any]:
    """The function FILE.py:FUNCTION of the file with this source."""
    path = beside(model.rpartition(":")[0])
    if text_of(source) is None and path.is_file():
        keep(path.name, read_text(path))
    if text_of(source) is None:
        raise InputError(f"{path} must be the file with {source} that the network was made from")
    return user_code.function_of(_code(source), model)


def _check_name(prefix: str, name: str) -> None:
    imported = library(prefix)
    if prefix == "timm":
        known, found = imported.list_models(), imported.is_model(name.split(".")[0])
    else:
        known = imported.models.list_models(module=imported.models)
        found = name in known
    if not found:
        close = get_close_matches(name, known, n=3, cutoff=0.5)
        nearest = f"; the nearest are {', '.join(close)}" if close else ""
        raise InputError(f"{prefix} has no classification model {name!r}{nearest}")


def library(name: str) -> Any:
    """Torchvision or timm; an InputError if it is not installed."""
    try:
        version(LIBRARIES[name])
        return import_module(name)
    except (PackageNotFoundError, ImportError):
        raise InputError(f"{name} is not installed; pip install {LIBRARIES[name]}") from None
