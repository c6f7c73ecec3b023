"""Self-contained HTML pages, and files written in one piece."""

import os
from html import escape
from pathlib import Path

from searchspace import InputError

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2730; max-width: 96rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
p { max-width: 60rem; }
p.note { color: #51606c; font-size: .9rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid #d5dde3; text-align: left;
         vertical-align: top; }
th { vertical-align: bottom; background: #f3f6f8; }
.number { text-align: right; white-space: nowrap; }
th.number { white-space: normal; }
"""


def html_page(title: str, body: str) -> str:
    """A page that needs nothing but itself; `body` is HTML below the heading."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f'</title><meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>\n"
    )


def write_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or what was there before."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
