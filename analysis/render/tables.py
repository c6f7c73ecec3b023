"""The table of a study: one definition of its columns for the terminal, CSV and HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import isnan

from rich import box
from rich.table import Table

from analysis.stats.comparisons import ArmSummary, Difference
from analysis.stats.inference import CONFIDENCE

MISSING = "–"
WRAP = 28
"""Characters of a cell that a terminal keeps on one line, if it can."""


@dataclass(frozen=True)
class Cells:
    """Column headings and rows of text.

    Columns from `text_columns` up to `last_number` (None: the last) hold numbers, others words.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1
    last_number: int | None = None

    def is_number(self, column: int) -> bool:
        """Whether a column holds numbers."""
        return column in range(len(self.headings))[self.text_columns : self.last_number]


def summary_cells(
    arms: Sequence[ArmSummary], *, same_protocol: bool, compact: bool = False
) -> Cells:
    """The table of `arms`, all of one task; `compact` makes it fit a terminal of 80 columns.

    What `compact` leaves out of the costs is in `cost_cells`.
    """
    datasets = list(dict.fromkeys(name for arm in arms for name in arm.published))
    mark = "" if same_protocol else "†"
    headings = (
        "arm",
        "params",
        "MACs",
        *(() if compact else ("training MACs", *TRAINING_COSTS)),
        "test accuracy, %",
        *(() if compact else ("sampling error",)),
        "n",
        f"difference [{CONFIDENCE:.0%} interval]",
        *(() if compact else ("p, Holm",)),
        *(f"paper{mark} {name.replace('_', ' ')}" for name in datasets),
    )
    if compact:
        headings = tuple(heading.replace(" ", "\n") for heading in headings)
    return Cells(headings, tuple(_row(arm, datasets, compact) for arm in arms))


def cost_cells(arms: Sequence[ArmSummary]) -> Cells:
    """What the arms cost, in a table that fits a terminal of 80 columns."""
    rows = (
        (
            arm.arm,
            *(engineering(n) for n in (arm.params, arm.macs, arm.training_macs)),
            *_training_costs(arm),
        )
        for arm in arms
    )
    headings = ("arm", "params", "MACs", "training MACs", *TRAINING_COSTS)
    return Cells(headings, tuple(rows))


TRAINING_COSTS = ("s per epoch", "peak memory", "latency, ms")


def _training_costs(arm: ArmSummary) -> tuple[str, ...]:
    memory = MISSING if isnan(arm.peak_memory) else f"{engineering(arm.peak_memory)}B"
    return _rounded(arm.epoch_seconds), memory, _rounded(arm.latency_ms)


def _rounded(value: float) -> str:
    return MISSING if isnan(value) else f"{value:.3g}"


def _row(arm: ArmSummary, datasets: Sequence[str], compact: bool) -> tuple[str, ...]:
    spread = "" if isnan(arm.sd) else f" ± {arm.sd:.2f}"
    accuracy = f"{arm.mean:.2f}{spread}" if arm.n else "none"
    if arm.ended_early:
        accuracy += f" ({arm.ended_early} ended early)"
    costs = [arm.params, arm.macs] if compact else [arm.params, arm.macs, arm.training_macs]
    gap = arm.difference
    return (
        arm.arm,
        *(engineering(number) if compact else f"{number:,}" for number in costs),
        *(() if compact else _training_costs(arm)),
        accuracy,
        *(() if compact else (_rounded(arm.sampling_error),)),
        str(arm.n),
        "baseline" if gap is None else interval_text(gap),
        *(() if compact else (MISSING if gap is None else p_text(gap.p_holm),)),
        *(f"{arm.published[name]:.2f}" if name in arm.published else MISSING for name in datasets),
    )


def p_text(p: float) -> str:
    """A p-value with two digits, or the bound that it is below."""
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def engineering(number: float, digits: int = 3) -> str:
    """Significant digits (three) and a unit: 75.3 k, 1.44 M, 2.22 G."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.{digits}g} {unit}"
    return f"{number:.{max(digits, 6)}g}"


def interval_text(difference: Difference) -> str:
    """A difference with its interval, in percentage points; a star if the study tells it from 0."""
    if not difference.pairs:
        return "no pairs yet"
    if isnan(difference.low):
        return f"{difference.mean:+.2f} [needs 2 seeds]"
    mark = " *" if difference.decided else ""
    return f"{difference.mean:+.2f} [{difference.low:.2f}, {difference.high:.2f}]{mark}"


def rich_table(cells: Cells, title: str) -> Table:
    """The table for a terminal."""
    # One space between columns, from the box itself: nine of them fit 80 columns.
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    for number, heading in enumerate(cells.headings):
        table.add_column(
            heading,
            justify="right" if cells.is_number(number) else "left",
            # On a narrow terminal a figure goes on in the next line rather than lose its end.
            overflow="fold",
            min_width=min(WRAP, max(len(row[number]) for row in cells.rows)),
        )
    for row in cells.rows:
        table.add_row(*row)
    return table


def html_table(cells: Cells) -> str:
    """The table for a page."""

    def row(texts: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} class="number">{escape(text)}</{tag}>'
            if cells.is_number(column)
            else f"<{tag}>{escape(text)}</{tag}>"
            for column, text in enumerate(texts)
        )

    body = "".join(f"<tr>{row(texts, 'td')}</tr>" for texts in cells.rows)
    head = row(cells.headings, "th")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def markdown_table(cells: Cells) -> str:
    """The table as GitHub's Markdown, with a line break at the end."""

    def line(texts: Sequence[str]) -> str:
        return f"| {' | '.join(text.replace('|', chr(92) + '|') for text in texts)} |\n"

    rule = ["--:" if cells.is_number(i) else "---" for i in range(len(cells.headings))]
    return "".join(line(texts) for texts in (cells.headings, rule, *cells.rows))


def latex_table(cells: Cells) -> str:
    """The table as a LaTeX tabular; needs the package booktabs."""

    def line(texts: Sequence[str]) -> str:
        return f"{' & '.join(_latex(text) for text in texts)} {chr(92) * 2}"

    align = "".join("r" if cells.is_number(i) else "l" for i in range(len(cells.headings)))
    body = [line(texts) for texts in cells.rows]
    lines = [
        rf"\begin{{tabular}}{{{align}}}", r"\toprule", line(cells.headings), r"\midrule",
        *body, r"\bottomrule", r"\end{tabular}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


LATEX = {
    "\\": r"\textbackslash{}", **{c: f"\\{c}" for c in "&%$#_{}"}, "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "±": r"$\pm$", "†": r"$\dagger$", "–": "--", "<": "$<$", ">": "$>$",
}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)
