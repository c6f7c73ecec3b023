"""Command lines: what is wrong ends in one sentence and status 2; names are printed as written."""

import io
import re
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer
from rich.table import Table

from searchspace.cli import fraction, run_command, whole_number, whole_number_or_zero
from searchspace.console import plain_console
from tests.support.paths import ROOT

NAMES = ["[/x]", "[bold]", "[red]a[/red]", ":smile:", "[link=file:///x]y"]


@pytest.mark.parametrize(
    "text",
    ["+3", "３", "1_0", "0x3", "1e3", "-1", "", " ", "1.5", "9" * 11, str(2**31), "9" * 5000],
)
def test_whole_numbers_are_plain_digits(text: str) -> None:
    for parse in (whole_number, whole_number_or_zero):
        with pytest.raises(typer.BadParameter, match="expected a whole number of at (least|most)"):
            parse(text)


def test_whole_numbers_are_read() -> None:
    assert (whole_number("1"), whole_number(str(2**31 - 1)), whole_number_or_zero("0")) == (
        1, 2**31 - 1, 0
    )  # fmt: skip
    with pytest.raises(typer.BadParameter, match="at least 1"):
        whole_number("0")


@pytest.mark.parametrize(
    "text", ["+3", "０.５", "-1", "nan", "inf", "1e99", "1_0.5", "", "9" * 5000]
)
def test_fractions_are_plain_numbers(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="expected a number of at least 0"):
        fraction(text)
    assert [fraction(fine) for fine in ("0", "0.25", ".5", "1.", "1e-3")] == [0, 0.25, 0.5, 1, 1e-3]


@pytest.mark.parametrize("name", NAMES)
def test_consoles_print_names_as_they_are_written(name: str) -> None:
    stream = io.StringIO()
    console = plain_console(file=stream, width=200)
    table = Table(name, title=name)
    table.add_row(name)
    console.print(table)
    console.print(name)
    assert stream.getvalue().count(name) == 4


def test_every_command_prints_to_such_a_console() -> None:
    packages = ("searchspace", "trainers", "studies", "analysis", "convfrontier")
    texts = {
        path.relative_to(ROOT).as_posix(): path.read_text()
        for package in packages
        for path in (ROOT / package).rglob("*.py")
    }
    makers = [path for path, text in texts.items() if re.search(r"\bConsole\(", text)]
    assert makers == ["searchspace/console.py"]
    columns = [path for path, text in texts.items() if re.search(r"TextColumn\(\"[^\"]*\"\)", text)]
    assert not columns


def end(error: Exception, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The status and the message of a command that raises `error`."""

    def command(name: Annotated[str, typer.Argument()] = "") -> None:
        raise error

    with pytest.raises(SystemExit) as stopped:
        run_command(command, "program", [])
    return int(stopped.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(2, "No such file or directory", "a/b"), "a/b: No such file"),
        (OSError(36, "File name too long", "x" * 300), "File name too long"),
        (OSError("without a number"), "without a number"),
        (MemoryError(), "memory ran out"),
        (RecursionError(), "the input is too large"),
    ],
    ids=range(5),
)
def test_what_the_system_refuses_is_one_sentence(
    error: Exception, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed = end(error, capsys)
    assert status == 2 and printed.startswith("error: ") and printed.count("\n") == 1
    assert message in printed


def test_mistakes_of_the_program_keep_their_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        end(ZeroDivisionError(), capsys)


def test_names_that_are_no_text_are_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8"))

    def command() -> None:
        print("folder \udcff")

    with pytest.raises(SystemExit) as stopped:
        run_command(command, "program", [])
    sys.stdout.flush()
    assert stopped.value.code in (0, None) and raw.getvalue() == b"folder \\udcff\n"


def test_help_names_no_type_of_python(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(
        runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run directories.")],
        name: str | None = None,
        out: Path | None = None,
        lists: list[str] | None = None,
        level: Annotated[int, typer.Option(min=0)] = 1,
        fast: bool = False,
    ) -> None:
        """Do nothing."""

    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        run_command(command, "program", ["--help"])
    text = capsys.readouterr().out
    assert "<" not in text
    assert "[]" not in text
    for line in ("RUN  Run directories.", "--name TEXT", "--out PATH", "--lists TEXT", "--level N"):
        assert line in text


@pytest.mark.parametrize("terminal", [True, False])
def test_lines_break_between_words_on_a_terminal_only(terminal: bool) -> None:
    file = io.StringIO()
    console = plain_console(soft_wrap=True, file=file, force_terminal=terminal, width=20)
    console.print("several words that exceed the width")
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    whole = ["several words that exceed the width"]
    assert lines == (["several words that", "exceed the width"] if terminal else whole)
