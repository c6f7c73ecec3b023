"""`python -m studies.run NAME|FILE|all|search`: run an experiment, or continue it, and report.

A name is a study of `--list`. A file holds an ablation or, if it has a `space`, a search.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from searchspace.cli import one_sentence, run_command
from studies.cli.options import FILES

PROGRAM = "python -m studies.run"


def command_for(arguments: Sequence[str]) -> Callable[..., Any]:
    """The command that takes these arguments: that of a search if the first is a search's file."""
    first = Path(arguments[0]) if arguments else Path()
    if first.suffix in FILES and first.is_file():
        from studies.spec.search_file import holds_search

        if holds_search(first):
            from studies.cli.search_command import search

            return search
    from studies.cli.study_command import run

    return run


def main() -> None:
    """Run the command that the first argument asks for."""
    with one_sentence():
        _main(sys.argv[1:])


def _main(arguments: Sequence[str]) -> None:
    if list(arguments[:1]) == ["search"]:
        from studies.cli.search_command import search

        run_command(search, f"{PROGRAM} search", arguments[1:])
    else:
        run_command(command_for(arguments), PROGRAM, arguments)


if __name__ == "__main__":
    main()
