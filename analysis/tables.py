"""The table of a study: one definition of its columns for the terminal, CSV and HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import isnan

import pandas as pd
from rich import box
from rich.table import Table

from analysis.compare import ArmSummary, Difference
from analysis.inference import CONFIDENCE


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
    """The table of `arms`, all of one task; `compact` makes it fit a terminal of 80 columns."""
    datasets = list(dict.fromkeys(name for arm in arms for name in arm.published))
    mark = "" if same_protocol else "†"
    headings = (
        "arm",
        "params",
        "MACs",
        *(() if compact else ("training MACs",)),
        "test accuracy, %",
        "n",
        f"difference [{CONFIDENCE:.0%} interval]",
        *(() if compact else ("s per run",)),
        *(f"paper{mark} {name.replace('_', ' ')}" for name in datasets),
    )
    if compact:
        headings = tuple(heading.replace(" ", "\n") for heading in headings)
    return Cells(headings, tuple(_row(arm, datasets, compact) for arm in arms))


def _row(arm: ArmSummary, datasets: Sequence[str], compact: bool) -> tuple[str, ...]:
    spread = "" if isnan(arm.sd) else f" ± {arm.sd:.2f}"
    accuracy = f"{arm.mean:.2f}{spread}" if arm.n else "none"
    if arm.ended_early:
        accuracy += f" ({arm.ended_early} ended early)"
    costs = [arm.params, arm.macs] if compact else [arm.params, arm.macs, arm.training_macs]
    return (
        arm.arm,
        *(engineering(number) if compact else f"{number:,}" for number in costs),
        accuracy,
        str(arm.n),
        "baseline" if arm.difference is None else interval_text(arm.difference),
        *(() if compact else (f"{arm.seconds:.1f}",)),
        *(f"{arm.published[name]:.2f}" if name in arm.published else "–" for name in datasets),
    )


def engineering(number: float) -> str:
    """Three significant digits and a unit: 75.3 k, 1.44 M, 2.22 G."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:g}"


def interval_text(difference: Difference) -> str:
    """A difference with its interval, in percentage points."""
    if not difference.pairs:
        return "no pairs yet"
    if isnan(difference.low):
        return f"{difference.mean:+.2f} [needs 2 seeds]"
    return f"{difference.mean:+.2f} [{difference.low:.2f}, {difference.high:.2f}]"


def rich_table(cells: Cells, title: str) -> Table:
    """The table for a terminal."""
    # One space between columns, from the box itself: nine of them fit 80 columns.
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    for number, heading in enumerate(cells.headings):
        table.add_column(
            heading,
            justify="right" if cells.is_number(number) else "left",
            min_width=max(len(row[number]) for row in cells.rows),
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


def arms_frame(arms: Sequence[ArmSummary]) -> pd.DataFrame:
    """The same content as numbers, a row for each arm and task, for CSV.

    Accuracies and differences are in per cent and percentage points; `low` and `high` bound the
    interval of `difference`.
    """
    rows = []
    for arm in arms:
        gap = arm.difference
        rows.append(
            {
                "task": arm.task,
                "arm": arm.arm,
                "baseline": arm.is_baseline,
                "params": arm.params,
                "macs": arm.macs,
                "training_macs": arm.training_macs,
                "n": arm.n,
                "test_accuracy_mean": arm.mean,
                "test_accuracy_sd": arm.sd,
                "validation_accuracy_mean": arm.validation_mean,
                "difference": gap.mean if gap else None,
                "low": gap.low if gap else None,
                "high": gap.high if gap else None,
                "pairs": gap.pairs if gap else None,
                "ended_early": arm.ended_early,
                "seconds": arm.seconds,
            }
            | {f"published_{name}": value for name, value in arm.published.items()}
        )
    return pd.DataFrame(rows)
