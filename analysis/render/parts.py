"""What a report is made of: tables with documented columns, and parts with a figure or a reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.render.tables import MISSING, Cells

TINY = 1e-4
"""Positive numbers below it are shown as such."""


@dataclass(frozen=True, eq=False)
class Table:
    """A tidy frame; `columns` says what each column means, `cells` how it is shown, if specially.

    `name` is the name of its files; a page leaves `hidden` columns out, files do not.
    """

    name: str
    title: str
    frame: pd.DataFrame
    columns: Mapping[str, str]
    cells: Cells | None = None
    hidden: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.names if name not in self.columns]
        assert not unknown, f"{self.name}: columns without a description: {unknown}"

    @property
    def names(self) -> list[str]:
        """The columns of the frame."""
        return [str(name) for name in self.frame]


@dataclass(frozen=True, eq=False)
class Part:
    """A section of a report. Where there is nothing to draw, `reason` says why.

    `name` is the name of the figure's files.
    """

    name: str
    title: str
    text: tuple[str, ...] = ()
    figure: go.Figure | None = None
    tables: tuple[Table, ...] = field(default=())
    reason: str = ""


def shown(table: Table, rows: int | None = None) -> Cells:
    """The first `rows` of a table as text."""
    if table.cells is not None:
        cells = table.cells
        return Cells(cells.headings, cells.rows[:rows], cells.text_columns, cells.last_number)
    frame = table.frame.iloc[:rows].drop(columns=list(table.hidden))
    frame = frame.loc[:, table.frame[frame.columns].notna().any()]
    # Words first, as `Cells` wants them.
    words = [name for name in frame if not _is_number(frame[name])]
    order = words + [name for name in frame if name not in words]
    texts = [[text(value) for value in frame[name]] for name in order]
    headings = tuple(str(name).replace("_", " ") for name in order)
    return Cells(headings, tuple(zip(*texts, strict=True)), text_columns=len(words))


def text(value: Any) -> str:
    """A value for a reader: four significant digits, thousands apart, a dash where missing."""
    if value is None or value is pd.NA or value != value:
        return MISSING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Integral) or (isinstance(value, float) and value.is_integer()):
        return f"{int(value):,}"
    if isinstance(value, float):
        return f"< {TINY:.4f}" if 0 < value < TINY else f"{value:.4g}"
    return str(value)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
