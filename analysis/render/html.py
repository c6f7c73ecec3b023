"""Self-contained HTML pages."""

import json
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from importlib.resources import files
from typing import Any

from analysis.render.section import ReportTable, Section
from analysis.render.tables import TextTable, html_table

STYLE = """
body { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; color: #1d2730;
       max-width: 76rem; margin: 2rem auto; padding: 0 1rem 6rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
h2 { font-size: 1.35rem; margin-top: 3rem; border-top: 2px solid #d5dde3; padding-top: 1rem; }
h3 { font-size: 1.1rem; margin: 2.2rem 0 .3rem; }
p { max-width: 60rem; margin: .4rem 0; }
p.note, dl { color: #51606c; font-size: .9rem; }
p.reason { background: #f3f6f8; padding: .6rem .9rem; border-left: 4px solid #9aa5ae; }
nav { font-size: .9rem; columns: 3; } nav a { color: #0072b2; display: block; }
.figure { margin: .5rem 0; }
.scroll { overflow: auto; max-height: 34rem; }
table { border-collapse: collapse; width: max-content; font-size: .88rem;
        font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid #d5dde3; text-align: left;
         vertical-align: top; }
th { vertical-align: bottom; background: #f3f6f8; position: sticky; top: 0; }
td { max-width: 24rem; }
.number { text-align: right; white-space: nowrap; }
th.number { white-space: normal; max-width: 6.5rem; }
summary { cursor: pointer; color: #0072b2; margin: .4rem 0; }
dt { font-family: ui-monospace, monospace; float: left; clear: left; margin-right: .6rem; }
dd { margin-left: 12rem; }
#network { position: fixed; bottom: 0; left: 0; right: 0; max-height: 42vh; overflow: auto;
           background: #fff; border-top: 2px solid #0072b2; padding: .5rem 1.2rem;
           box-shadow: 0 -4px 14px #0002; }
#network h3 { margin: 0; } #network pre { margin: .3rem 0; font-size: .82rem;
           white-space: pre-wrap; overflow-wrap: anywhere; }
#network .command { background: #f3f6f8; padding: .4rem .6rem; }
#network button.copy { display: none; } #network.pinned button.copy { display: inline; }
#network .close { float: right; }
@media print { #network { display: none; } }
"""

DOCK = """
<aside id="network" hidden><button class="close" title="Escape">close</button><h3></h3>
<pre class="config"></pre>
<button class="copy" data-part=".command" data-label="copy command">copy command</button>
<pre class="command"></pre>
<button class="copy" data-part=".json" data-label="copy JSON">copy JSON</button>
<pre class="json"></pre></aside>
"""

ROWS = 200
"""Rows of a table that a page shows; files hold all of them."""
SHORT = 30
"""Up to this number of characters, the text of a cell is kept on one line."""
OPEN = 12
"""Up to this number of rows, a table is shown at once."""


def html_page(title: str, body: str) -> str:
    """A page that needs nothing but itself; `body` is HTML below the heading."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f'</title><meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>\n"
    )


def figures_page(
    title: str, groups: Sequence[tuple[str, Sequence[Section]]], networks: Sequence[Any]
) -> str:
    """A page of groups of sections under headings; `networks` is shown on a click in a figure."""
    links, body = [], []
    for number, (heading, sections) in enumerate(groups):
        body.append(f"<h2>{escape(heading)}</h2>")
        for section in sections:
            anchor = f"{section.name}-{number}"
            links.append(f'<a href="#{anchor}">{escape(section.title)}</a>')
            body.append(_section(section, anchor))
    return html_page(
        title,
        f"<nav>{''.join(links)}</nav>{''.join(body)}{DOCK}{_data('networks', networks)}"
        f"<script>{_plotly()}</script><script>{_script()}</script>",
    )


def _section(section: Section, anchor: str) -> str:
    html = [f'<section id="{anchor}"><h3>{escape(section.title)}</h3>']
    html += [f"<p>{escape(sentence)}</p>" for sentence in section.text]
    if section.figure is not None:
        height = section.figure.layout.height
        html.append(f'<div class="figure" id="{anchor}-f" style="min-height:{height}px"></div>')
        html.append(_data(f"{anchor}-f-data", section.figure.to_plotly_json()))
    elif section.reason:
        html.append(f'<p class="reason">{escape(section.reason)}</p>')
    html += [_table(table) for table in section.tables]
    return "".join([*html, "</section>"])


def _table(table: ReportTable) -> str:
    rows = len(table.frame)
    limit = f", the first {ROWS} shown" if rows > ROWS else ""
    plural = "row" if rows == 1 else "rows"
    heading = f"{table.title} ({rows:,} {plural}{limit})"
    columns = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(table.columns[name])}</dd>" for name in table.names
    )
    return (
        f"<details{' open' if rows <= OPEN else ''}><summary>{escape(heading)}</summary>"
        f'<div class="scroll">{html_table(_unbroken(table.text_table(ROWS)))}</div>'
        f"<details><summary>Columns of its file</summary><dl>{columns}</dl></details></details>"
    )


def _unbroken(table: TextTable) -> TextTable:
    """The same table with short texts kept on one line."""
    rows = tuple(
        tuple(text.replace(" ", "\u00a0") if len(text) <= SHORT else text for text in row)
        for row in table.rows
    )
    return replace(table, rows=rows)


def _data(name: str, value: Any) -> str:
    from plotly.utils import PlotlyJSONEncoder

    # In a script only the end of the script is special.
    text = json.dumps(value, cls=PlotlyJSONEncoder, separators=(",", ":")).replace("</", "<\\/")
    return f'<script type="application/json" id="{name}">{text}</script>'


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _script() -> str:
    return files("analysis.render").joinpath("page.js").read_text(encoding="utf-8")
