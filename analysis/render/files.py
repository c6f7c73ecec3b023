"""Figures and tables of a report as files for papers and other programs."""

from collections.abc import Sequence
from pathlib import Path

from analysis.render import figures
from analysis.render.outputs import make_folder, write_output
from analysis.render.section import ReportTable, Section
from analysis.render.tables import latex_table
from searchspace import InputError

FORMATS = ("png", "svg", "pdf")
SCALE = 2
"""Pixels of a PNG for one of the figure's."""

PrefixedSections = Sequence[tuple[str, Section]]
"""Sections, each with a prefix of its file names that distinguishes runs."""


def write_tables(sections: PrefixedSections, folder: Path) -> int:
    """Write each table as .tex, .md, .csv and .parquet, and COLUMNS.md; return how many tables."""
    make_folder(folder)
    documented = []
    for prefix, table in [(p, table) for p, section in sections for table in section.tables]:
        name = f"{prefix}{table.name}"
        write_output(folder / f"{name}.tex", latex_table(table.text_table()))
        write_output(folder / f"{name}.md", table.text_table().markdown())
        write_output(folder / f"{name}.csv", table.frame.to_csv(index=False))
        write_output(folder / f"{name}.parquet", _parquet(table))
        columns = "".join(f"- `{column}`: {table.columns[column]}\n" for column in table.names)
        documented.append(f"# {name}: {table.title}\n\n{columns}")
    write_output(folder / "COLUMNS.md", "\n".join(documented))
    return len(documented)


def write_figures(sections: PrefixedSections, folder: Path) -> int:
    """Write each figure as .png, .svg and .pdf; return how many figures.

    An InputError if kaleido or a browser is missing.
    """
    try:
        import kaleido
        from choreographer.errors import ChromeNotFoundError
    except ImportError:
        raise InputError(
            "--figures needs kaleido; install it with `pip install 'convfrontier[figures]'`"
        ) from None
    make_folder(folder)
    drawn = [(f"{prefix}{s.name}", s.figure) for prefix, s in sections if s.figure]
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


def _parquet(table: ReportTable) -> bytes:
    data = table.frame.to_parquet(index=False)
    return bytes(data)
