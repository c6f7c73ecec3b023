"""The parameters of a trial, suggested again."""

from collections.abc import Sequence


class StoredParameters:
    """Suggests the parameters that a trial has, each of which must be one of the choices."""

    def __init__(self, params: dict[str, str]) -> None:
        self.params = params

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        assert self.params[name] in choices
        return self.params[name]
