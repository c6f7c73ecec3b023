"""Every figure and table of a report as files for papers and other programs."""

from collections.abc import Sequence
from pathlib import Path

from analysis.render import figures
from analysis.render.html import write_bytes, write_text
from analysis.render.parts import Part, Table, shown
from analysis.render.tables import latex_table, markdown_table
from searchspace import InputError

FORMATS = ("png", "svg", "pdf")
SCALE = 2
"""Pixels of a PNG for one of the figure's."""

Named = Sequence[tuple[str, Part]]
"""Parts, and what goes before their names to tell runs apart."""


def write_tables(parts: Named, folder: Path) -> int:
    """Write each table as .tex, .md, .csv and .parquet, and what columns mean; how many."""
    _make(folder)
    documented = []
    for prefix, table in [(prefix, table) for prefix, part in parts for table in part.tables]:
        name = f"{prefix}{table.name}"
        write_text(folder / f"{name}.tex", latex_table(shown(table)))
        write_text(folder / f"{name}.md", markdown_table(shown(table)))
        write_text(folder / f"{name}.csv", table.frame.to_csv(index=False))
        write_bytes(folder / f"{name}.parquet", [_parquet(table)])
        columns = "".join(f"- `{column}`: {table.columns[column]}\n" for column in table.names)
        documented.append(f"# {name}: {table.title}\n\n{columns}")
    write_text(folder / "COLUMNS.md", "\n".join(documented))
    return len(documented)


def write_figures(parts: Named, folder: Path) -> int:
    """Write each figure as .png, .svg and .pdf; how many.

    An InputError if kaleido or a browser is missing.
    """
    try:
        import kaleido
        from choreographer.errors import ChromeNotFoundError
    except ImportError:
        raise InputError(
            "--figures needs kaleido; install it with `pip install 'convfrontier[figures]'`"
        ) from None
    _make(folder)
    drawn = [(f"{prefix}{part.name}", part.figure) for prefix, part in parts if part.figure]
    tasks = [
        {
            "fig": figure,
            "path": str(folder / f"{name}.{kind}"),
            "opts": {"format": kind, "width": figures.WIDTH, "height": figure.layout.height,
                     "scale": SCALE if kind == "png" else 1},
        }
        for name, figure in drawn
        for kind in FORMATS
    ]  # fmt: skip
    try:
        # One browser for all of them; figures need no mathjax, which would be fetched.
        kaleido.write_fig_from_object_sync(tasks, cancel_on_error=True, kopts={"mathjax": False})
    except ChromeNotFoundError:
        raise InputError(
            "--figures needs Chrome or Chromium (Debian: apt-get install chromium), found none"
        ) from None
    return len(drawn)


def _parquet(table: Table) -> bytes:
    data = table.frame.to_parquet(index=False)
    assert isinstance(data, bytes)
    return data


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {folder}: {error.strerror}") from None
