"""The table of a study: one definition of its columns for the terminal, CSV and HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import isnan

import pandas as pd
from rich.table import Table

from analysis.compare import CONFIDENCE, ArmSummary, Difference


@dataclass(frozen=True)
class Cells:
    """Column headings and rows of text; the first `text_columns` are words, the rest numbers."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1


def summary_cells(arms: Sequence[ArmSummary], same_protocol: bool) -> Cells:
    """The table of `arms`, all of one task."""
    mark = "" if same_protocol else " †"
    headings = (
        "arm",
        "parameters",
        "MACs",
        "MACs in training",
        "test accuracy, %",
        "n",
        f"difference to baseline [{CONFIDENCE:.0%} interval]",
        "s per run",
        f"paper, %{mark}",
    )
    return Cells(headings, tuple(_row(arm) for arm in arms))


def _row(arm: ArmSummary) -> tuple[str, ...]:
    spread = "" if isnan(arm.sd) else f" ± {arm.sd:.2f}"
    accuracy = f"{arm.mean:.2f}{spread}" if arm.n else "none finished"
    if arm.diverged:
        accuracy += f" ({arm.diverged} diverged)"
    return (
        arm.arm,
        f"{arm.params:,}",
        f"{arm.macs:,}",
        f"{arm.training_macs:,}",
        accuracy,
        str(arm.n),
        "baseline" if arm.difference is None else interval_text(arm.difference),
        f"{arm.seconds:.1f}",
        "; ".join(arm.published) or "none",
    )


def interval_text(difference: Difference) -> str:
    """A difference with its interval, signed, in percentage points."""
    if not difference.pairs:
        return "no pairs yet"
    if isnan(difference.low):
        return f"{difference.mean:+.2f} [needs 2 seeds]"
    return f"{difference.mean:+.2f} [{difference.low:+.2f}, {difference.high:+.2f}]"


def rich_table(cells: Cells, title: str) -> Table:
    """The table for a terminal."""
    table = Table(title=title)
    for number, heading in enumerate(cells.headings):
        table.add_column(heading, justify="left" if number < cells.text_columns else "right")
    for row in cells.rows:
        table.add_row(*row)
    return table


def html_table(cells: Cells) -> str:
    """The table for a page."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in cells.headings)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in cells.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


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
                "diverged": arm.diverged,
                "seconds": arm.seconds,
                "published": "; ".join(arm.published),
            }
        )
    return pd.DataFrame(rows)
