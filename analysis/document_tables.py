"""`python -m analysis.document_tables`: the generated parts of docs/costs.md and docs/studies.md.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer

from analysis.audit.audit import EQUAL, Audited, audit
from analysis.audit.conventions import CONVENTIONS
from analysis.render.outputs import write_output
from analysis.render.tables import TextTable
from analysis.sections.cost_audit import figures, verdict_table
from searchspace import InputError, names
from searchspace.cli import run_command
from searchspace.console import plain_console
from studies import Study
from studies.papers.catalog import STUDIES
from studies.papers.quick import SETTINGS

PART = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def document_tables(
    docs: Annotated[Path, typer.Option(help="Directory with costs.md and studies.md.")] = Path(
        "docs"
    ),
) -> None:
    """Write the tables of studies and of printed costs into the documents; takes a minute."""
    pages = {name: _read(docs / name) for name in ("studies.md", "costs.md")}
    # One image at a time: more threads would only wait for each other.
    torch.set_num_threads(1)
    parts = {"studies.md": studies_parts(STUDIES.values()), "costs.md": costs_parts(audit())}
    for name, page in pages.items():
        write_output(docs / name, filled(page, parts[name]))
    plain_console().print(f"Written: {docs / 'studies.md'}, {docs / 'costs.md'}", soft_wrap=True)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def filled(page: str, parts: Mapping[str, str]) -> str:
    """The page with every generated part replaced; each part must have its place in the page."""
    places = [name for _, name, _ in PART.findall(page)]
    if sorted(places) != sorted(parts):
        raise InputError(
            f"generated parts must be {', '.join(sorted(parts))}, got {', '.join(sorted(places))}"
        )
    return PART.sub(lambda place: f"{place[1]}{parts[place[2]]}{place[3]}", page)


def studies_parts(studies: Iterable[Study]) -> dict[str, str]:
    """For each paper, a table of its studies: question, table of the paper, paper designs."""
    rows: dict[str, list[tuple[str, ...]]] = {}
    for study in studies:
        paper, _, table = study.source.partition(" ")
        if study.source == "no paper":
            paper, table = "no paper", ""
        rows.setdefault(paper, []).append(
            (f"`{study.name}`", table, study.question, _paper_designs(study))
        )
    headings = ("study", "after", "question", "paper designs")
    return {
        f"studies of {paper}": TextTable(headings, tuple(lines), len(headings)).markdown()
        for paper, lines in rows.items()
    }


def _paper_designs(study: Study) -> str:
    return ", ".join(
        f"`{preset}`: {' and '.join(task.kind for task in design.tasks)}"
        for preset, design in study.presets.items()
        if preset not in SETTINGS
    )


def costs_parts(audited: Sequence[Audited]) -> dict[str, str]:
    """How many costs and networks there are, conventions, verdicts, and every difference."""
    return {
        "number of costs": (
            f"The five papers print {len(audited)} costs. The project builds and names "
            f"{len(names())} of their networks.\n"
        ),
        "conventions": _conventions(),
        "verdicts": verdict_table(audited).markdown(),
        "differences": _differences(audited),
    }


def _conventions() -> str:
    rows = tuple(
        (paper, "MACs" if quantity == "macs" else "parameters", _one_line(convention))
        for (paper, quantity), convention in CONVENTIONS.items()
    )
    return TextTable(("paper", "cost", "what is counted"), rows, text_columns=3).markdown()


def _one_line(documented: object) -> str:
    return " ".join((inspect.getdoc(documented) or "").split())


def _differences(audited: Sequence[Audited]) -> str:
    """The costs that are not equal; a cost whose reason is that of the line above says so."""
    rows: list[tuple[str, ...]] = []
    reason = ""
    for row in (row for row in audited if row.verdict != EQUAL):
        cell, cost = row.cell, row.cell.cost
        why = "as above" if cost.reason == reason else cost.reason
        reason = cost.reason
        where = f"{cell.paper} Table {cell.table}"
        rows.append((where, f"{cell.row}, {cost.column}", *figures(row), why))
    headings = ("table", "row, column", "printed", "ours", "why")
    return TextTable(headings, tuple(rows), text_columns=2, last_number=4).markdown()


if __name__ == "__main__":
    run_command(document_tables, "python -m analysis.document_tables")
