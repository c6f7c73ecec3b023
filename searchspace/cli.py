"""Runs command lines: exit status, one sentence on bad input, and parsers of option values."""

import io
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from searchspace.checks import DECIMAL, LARGEST, LARGEST_NUMBER, parse_amount, shown
from searchspace.errors import InputError

USAGE_ERROR = 2
INTERRUPTED = 130
LABELS = {"str": "TEXT", "int": "N", "float": "X", "Path": "PATH"}
"""What --help calls values of Python's types."""

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
    program = typer.main.get_command(app)
    _hide_types(program)
    with one_sentence():
        sys.exit(program(arguments, prog_name=prog, standalone_mode=False) or 0)


def _hide_types(program: Any) -> None:
    """Have --help say TEXT or PATH in place of Python's types, and nothing after arguments."""
    for parameter in program.params:
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: None
        elif parameter.metavar is None and not parameter.is_flag:
            kind = parameter.bare_type().removeprefix("list[").removesuffix("]")
            parameter.metavar = LABELS.get(kind, kind.upper())


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn bad input, and files that the system refuses, into one sentence and an exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files may hold bytes that are no text.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
    except (InputError, _UsageError) as error:
        message = error.format_message() if isinstance(error, _UsageError) else str(error)
        fail(message)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does.
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        place = f"{error.filename}: " if error.filename is not None else ""
        fail(f"{place}{error.strerror or error}")
    except (MemoryError, RecursionError):
        fail("the input is too large: memory ran out")


def fail(sentence: str) -> None:
    """Print one sentence and exit with status 2."""
    print(f"error: {' '.join(sentence.split())}", file=sys.stderr)
    sys.exit(USAGE_ERROR)


def whole_number(text: str | int) -> int:
    """Parse an option that must be a whole number of at least 1."""
    return _whole(text, 1)


def whole_number_or_zero(text: str | int) -> int:
    """Parse an option that must be a whole number of at least 0, such as a seed."""
    return _whole(text, 0)


def _whole(text: str | int, minimum: int) -> int:
    # int() would take a sign, underscores and the digits of all scripts.
    written = str(text).strip()
    digits = re.fullmatch("[0-9]+", written)
    if not digits or (len(written) < 11 and int(written) < minimum):
        raise typer.BadParameter(
            f"expected a whole number of at least {minimum}, got {shown(text)}"
        )
    if len(written) > 10 or int(written) > LARGEST:
        raise typer.BadParameter(f"expected a whole number of at most {LARGEST}, got {shown(text)}")
    return int(written)


def fraction(text: str | float) -> float:
    """Parse an option that must be a number of at least 0."""
    written = str(text).strip()
    number = float(written) if re.fullmatch(DECIMAL, written) else -1.0
    if not 0 <= number <= LARGEST_NUMBER:
        raise typer.BadParameter(f"expected a number of at least 0, got {shown(text)}")
    return number


def time_span(text: str | float) -> float:
    """Parse an option that must be a time such as 90s, 30m or 2h; in seconds."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    match = re.fullmatch(rf"({DECIMAL})([smhd])", str(text).strip())
    if match is None:
        raise typer.BadParameter(f"expected a time like 90s, 30m or 2h, got {shown(text)}")
    return float(match[1]) * units[match[2]]


def amount(text: str | float) -> float:
    """Parse an option that must be a number above 0, with k, M or G for thousands and so on."""
    try:
        return parse_amount(text)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None
