"""A function in a file of the user's: a loss or an augmentation, known by the file's content."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from searchspace import InputError
from searchspace.backbones.graft import sources
from searchspace.schema import Value


@dataclass(frozen=True)
class UserFunction(Value):
    """FILE.py:FUNCTION without folders, and the hash of the file, which must need no other."""

    name: str
    source: str

    def __post_init__(self) -> None:
        if sources.split_file(self.name) is None or not sources.of_file(self.source):
            raise InputError(f"a function is named FILE.py:FUNCTION, got {self.name!r}")
        # Carried along to processes that do not have the file.
        object.__setattr__(self, "text", sources.text_of(self.source))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if state["text"] is not None:
            sources.keep(self.name.rpartition(":")[0], state["text"])

    def load(self) -> Callable[..., Any]:
        """The function; runs the file once in a process."""
        return sources.function_of(self.name, self.source)


def find_function(name: str) -> UserFunction:
    """The function of that name; an InputError if there is no such file or function in it."""
    return UserFunction(*sources.identify(name))
