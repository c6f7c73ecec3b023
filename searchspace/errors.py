"""The error type for bad input; every command prints its sentence and exits with status 2."""


class InputError(ValueError):
    """Unusable input; the message is one sentence that says what is allowed."""


class StorageError(InputError):
    """A folder cannot be written to: trouble of the machine, for which no job is at fault."""
