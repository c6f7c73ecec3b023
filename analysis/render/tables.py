"""Tables of text, written for the terminal, Markdown and LaTeX."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table as RichTable

from searchspace.markdown import markdown_table

WRAP = 28
"""Characters of a cell that a terminal keeps on one line, if it can."""
BREAKS = r"\n|\s+(?=[(\[])|(?<=[^\W\d_])[,;:]?\s+"
"""Where lines of a cell may end: before brackets and after words."""


@dataclass(frozen=True)
class TextTable:
    """Column headings and rows of text.

    Columns from `text_columns` up to `last_number` (None: the last) hold numbers, others words.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1
    last_number: int | None = None

    @property
    def numbers(self) -> range:
        """The columns that hold numbers."""
        return range(len(self.headings))[self.text_columns : self.last_number]

    def is_number(self, column: int) -> bool:
        """Whether a column holds numbers."""
        return column in self.numbers

    def markdown(self) -> str:
        """The table in Markdown."""
        return markdown_table(self.headings, self.rows, self.numbers)


def rich_table(table: TextTable, title: str) -> RichTable:
    """The table for a terminal."""
    # One space between columns, from the box itself: nine of them fit 80 columns.
    rich = RichTable(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    for number, heading in enumerate(table.headings):
        rich.add_column(
            heading,
            justify="right" if table.is_number(number) else "left",
            # On a narrow terminal a figure goes on in the next line rather than lose its end.
            overflow="fold",
            min_width=_least_width([heading, *(row[number] for row in table.rows)]),
        )
    for row in table.rows:
        rich.add_row(*row)
    return rich


def _least_width(texts: Sequence[str]) -> int:
    """The longest part that no line break goes through: a word, a number, an interval."""
    parts = (part for text in texts for part in re.split(BREAKS, text))
    return min(WRAP, max(len(part) for part in parts))


def latex_table(table: TextTable) -> str:
    """The table as a LaTeX tabular; needs the package booktabs."""

    def line(texts: Sequence[str]) -> str:
        return f"{' & '.join(_latex(text) for text in texts)} {chr(92) * 2}"

    align = "".join("r" if table.is_number(i) else "l" for i in range(len(table.headings)))
    body = [line(texts) for texts in table.rows]
    lines = [
        rf"\begin{{tabular}}{{{align}}}", r"\toprule", line(table.headings), r"\midrule",
        *body, r"\bottomrule", r"\end{tabular}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


LATEX = {
    "\\": r"\textbackslash{}", **{c: f"\\{c}" for c in "&%$#_{}"}, "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "±": r"$\pm$", "†": r"$\dagger$", "–": "--", "<": "$<$", ">": "$>$",
}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)
