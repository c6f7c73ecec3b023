"""Runs command lines: exit status, one sentence on bad input, and parsers of option values."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from searchspace.checks import parse_amount
from searchspace.errors import InputError

USAGE_ERROR = 2
INTERRUPTED = 130

# Typer exports its usage errors but not the class they share.
_UsageError: type[Any] = next(
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)


def run_command(
    command: Callable[..., Any], prog: str, arguments: Sequence[str] | None = None
) -> None:
    """Run a typer command as a program and exit with the status it returns.

    `arguments` are those of the command line if they are not given.

    Bad input of any kind prints one sentence to standard error and exits with status 2.
    """
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(command)
    try:
        status = app(arguments, prog_name=prog, standalone_mode=False)
    except (InputError, _UsageError) as error:
        message = error.format_message() if isinstance(error, _UsageError) else str(error)
        fail(message)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does.
        sys.stderr.close()
        sys.exit(0)
    sys.exit(status or 0)


def fail(sentence: str) -> None:
    """Print one sentence and exit with status 2."""
    print(f"error: {' '.join(sentence.split())}", file=sys.stderr)
    sys.exit(USAGE_ERROR)


def whole_number(text: str | int) -> int:
    """Parse an option that must be a whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise typer.BadParameter(f"expected a whole number of at least 1, got {text!r}")
    return number


def fraction(text: str | float) -> float:
    """Parse an option that must be a number of at least 0."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise typer.BadParameter(f"expected a number of at least 0, got {text!r}")
    return number


def amount(text: str | float) -> float:
    """Parse an option that must be a number above 0, with k, M or G for thousands and so on."""
    try:
        return parse_amount(text)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None
