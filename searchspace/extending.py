"""Operators that are not part of the package, made known to everything that reads their name."""

import inspect
from typing import TypeVar

from searchspace.choice import Choice
from searchspace.errors import InputError
from searchspace.operators import OPERATORS

C = TypeVar("C", bound=type[Choice])

REGISTERED: dict[str, type[Choice]] = {}
"""By kind, those that `register` was given."""


def register(choice: C) -> C:
    """Class decorator for a `Choice`: its `kind` can then be used wherever operators are named.

    Defining it again in the same module, as happens in a notebook, replaces it, and so does a copy
    of the same text.
    """
    kind = choice.kind
    if not isinstance(kind, str) or not kind:
        raise InputError(f"{choice.__name__} needs a kind, the name it has in files")
    if kind in OPERATORS:
        raise InputError(f"the kind {kind!r} of {choice.__name__} is taken by an operator of ours")
    earlier = REGISTERED.get(kind)
    if earlier is not None and not _is_again(earlier, choice):
        raise InputError(
            f"the kind {kind!r} is defined twice, in {earlier.__module__} and {choice.__module__}"
        )
    REGISTERED[kind] = choice
    Choice.family[kind] = choice
    return choice


def _is_again(earlier: type[Choice], choice: type[Choice]) -> bool:
    if earlier.__module__ == choice.__module__:
        return True
    try:
        return inspect.getsource(earlier) == inspect.getsource(choice)
    except (OSError, TypeError):
        return False
