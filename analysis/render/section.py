"""Building blocks of a report: sections with a figure or a reason, and documented tables."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analysis.render.forest_drawing import ForestDrawing
from analysis.render.numbers import value_text
from analysis.render.tables import TextTable


@dataclass(frozen=True, eq=False)
class ReportTable:
    """A tidy frame; `columns` describes each column, `text` replaces the default text, if given.

    `name` is the name of its files; a page leaves `hidden` columns out, files do not.
    """

    name: str
    title: str
    frame: pd.DataFrame
    columns: Mapping[str, str]
    text: TextTable | None = None
    hidden: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.names if name not in self.columns]
        if unknown:
            raise ValueError(f"{self.name}: columns without a description: {unknown}")

    @property
    def names(self) -> list[str]:
        """The columns of the frame."""
        return [str(name) for name in self.frame]

    def text_table(self, rows: int | None = None) -> TextTable:
        """The first `rows` as text, without columns that are hidden or have no value."""
        if self.text is not None:
            return replace(self.text, rows=self.text.rows[:rows])
        frame = self.frame.iloc[:rows].drop(columns=list(self.hidden))
        frame = frame.loc[:, self.frame[frame.columns].notna().any()]
        # Words first, as `TextTable` wants them.
        words = [name for name in frame if not _is_number(frame[name])]
        order = words + [name for name in frame if name not in words]
        texts = [[value_text(value) for value in frame[name]] for name in order]
        headings = tuple(str(name).replace("_", " ") for name in order)
        return TextTable(headings, tuple(zip(*texts, strict=True)), text_columns=len(words))


@dataclass(frozen=True, eq=False)
class Section:
    """A section of a report. Where there is nothing to draw, `reason` says why.

    `name` is the name of the figure's files, `lead` says in one line what the section tells, `text`
    how it was made. `forest` is a forest plot, at each width of a page. `coordinates` are drawn
    as parallel axes. A `folded` figure is shown
    when it is asked for.
    """

    name: str
    title: str
    text: tuple[str, ...] = ()
    figure: go.Figure | None = None
    tables: tuple[ReportTable, ...] = ()
    reason: str = ""
    lead: str = ""
    forest: tuple[ForestDrawing, ...] = ()
    coordinates: Mapping[str, Any] | None = None
    folded: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return self.shows_table and not self.tables

    @property
    def shows_table(self) -> bool:
        """Whether a table is all that there is to see."""
        return self.figure is None and not self.forest and self.coordinates is None


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
