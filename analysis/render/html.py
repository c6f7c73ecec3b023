"""HTML pages, made from the templates beside this module, which escape all text."""

import gzip
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from analysis.render.network_drawing import NetworkDrawing
from analysis.render.section import Section
from analysis.render.tables import TextTable

if TYPE_CHECKING:
    from jinja2 import Environment

ROWS = 200
"""Rows of a table that a page shows; files hold all of them."""
SHORT = 30
"""Up to this number of characters, the text of a cell is kept on one line."""
OPEN = 12
"""Up to this number of rows, a table is shown at once."""


def html_page(template: str, **values: Any) -> str:
    """The page of a template with these values, all text in them escaped; it needs no network."""
    return _environment().get_template(template).render(values)


def figures_page(
    title: str,
    groups: Sequence[tuple[str, Sequence[Section]]],
    networks: Sequence[Any],
    plotly_file: str = "",
    *,
    overviews: Sequence[Any] = (),
    drawings: Mapping[int, Mapping[int, NetworkDrawing]] | None = None,
) -> str:
    """A page of groups of sections under headings, with the first screens of runs before them.

    `networks` is shown on a click in a figure, with their `drawings` by run and number. The page
    holds plotly's script, packed, unless `plotly_file` is the address of a copy.
    """
    return html_page(
        "report.html",
        title=title,
        groups=groups,
        networks=networks,
        plotly_file=plotly_file,
        plotly_packed=_packed_plotly,
        overviews=overviews,
        # The groups before the runs are about all of them.
        offset=len(groups) - len(networks),
        drawings=drawings or {},
        open_rows=OPEN,
        most_rows=ROWS,
    )


def plotly_script() -> str:
    """The source of plotly.js."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


@lru_cache(maxsize=1)
def _packed_plotly() -> str:
    """The source of plotly.js in gzip and base64: two fifths of its size, unpacked by the page."""
    return b64encode(gzip.compress(plotly_script().encode(), mtime=0)).decode()


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from plotly.utils import PlotlyJSONEncoder

    environment = Environment(
        loader=PackageLoader("analysis.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = _unbroken
    # `tojson` writes < > & as \u003c and so on, so that no text ends the script that holds it.
    environment.policies["json.dumps_kwargs"] = {
        "cls": PlotlyJSONEncoder,
        "separators": (",", ":"),
    }
    return environment


def _unbroken(table: TextTable) -> TextTable:
    """The same table with short texts kept on one line."""
    rows = tuple(
        tuple(text.replace(" ", "\u00a0") if len(text) <= SHORT else text for text in row)
        for row in table.rows
    )
    return replace(table, rows=rows)
