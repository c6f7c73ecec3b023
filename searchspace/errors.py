"""The error type for bad input; every command prints its sentence and exits with status 2."""


class InputError(ValueError):
    """Unusable input; the message is one sentence that says what is allowed."""


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its class if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def with_kind(error: BaseException) -> str:
    """The class of an error and the first line of its text, which alone may say too little."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


class StorageError(InputError):
    """A folder cannot be written to: trouble of the machine, for which no job is at fault."""
