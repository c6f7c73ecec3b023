"""The console of every command: what users named is printed as it is written."""

from typing import Any

from rich.console import Console


def plain_console(**settings: Any) -> Console:
    """A console that takes no brackets for markup and no colons for emoji; `settings` are rich's.

    Names of arms, classes, files and folders may hold both. With `soft_wrap`, lines stay whole
    where a program reads them; on a terminal they break between words in any case.
    """
    console = Console(markup=False, emoji=False, **settings)
    console.soft_wrap = console.soft_wrap and not console.is_terminal
    return console


def print_text(console: Console, text: str) -> None:
    """Print sentences: lines end between words on a terminal; elsewhere each is one line."""
    console.print(text, highlight=False, soft_wrap=not console.is_terminal)
