"""The one error type for bad input, so that every command can answer it the same way."""


class InputError(ValueError):
    """Unusable input; the message is one sentence saying what would be right."""
