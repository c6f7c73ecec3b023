"""`python -m studies.compare_searchers`: all samplers and schedulers on a tabular benchmark.

No network is trained: the table holds the curves of all networks of a small space.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchspace import InputError
from searchspace.cli import run_command, whole_number
from searchspace.console import plain_console

if TYPE_CHECKING:
    import pandas as pd

REPEATS = 24


def compare(
    repeats: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Searches of each kind.")
    ] = REPEATS,
    workers: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="Processes [default: all cores]."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Sampler to compare; may be repeated.")
    ] = None,
    table: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="digits or macro, or an npz file: docs/searchers.md says what it holds.",
        ),
    ] = "digits",
    out: Annotated[Path | None, typer.Option(help="Folder for CSV and Markdown files.")] = None,
) -> int:
    """Compare all searchers with random search on a table of trained networks."""
    from studies.tabular.comparison import (
        EARLY_STOPPING_SEARCHERS,
        SEARCHERS,
        TRIALS,
        compare_by_epochs,
        compare_by_trials,
        markdown,
    )
    from studies.tabular.table_file import open_table

    if repeats < 2:
        raise InputError(f"--repeats must be at least 2, got {repeats}")
    samplers = list(dict.fromkeys(searcher.sampler for searcher in SEARCHERS))
    for name in only or ():
        if name not in samplers:
            raise InputError(f"--only must be one of {', '.join(samplers)}, got {name!r}")
    chosen = {"random", *(only or samplers)}
    networks, workers = open_table(table), workers or os.cpu_count() or 1
    console = plain_console(soft_wrap=True)
    searchers = [searcher for searcher in SEARCHERS if searcher.sampler in chosen]
    trials, curves = compare_by_trials(networks, searchers, repeats, workers)
    console.print(
        f"All {networks.space.size()} networks trained: {100 * networks.ceiling():.1f} %.\n"
    )
    console.print(f"After {TRIALS} trials ({repeats} searches each, in % of the best front):\n")
    print(markdown(trials))
    frames = {"trials": trials, "curves": curves}
    if networks.epochs > 1:
        searchers = [each for each in EARLY_STOPPING_SEARCHERS if each.sampler in chosen]
        frames["epochs"] = compare_by_epochs(networks, searchers, repeats, workers)
        console.print(f"After {TRIALS * networks.epochs} epochs:\n")
        print(markdown(frames["epochs"]))
    if out is not None:
        _write(out, frames)
    return 0


def _write(out: Path, frames: "dict[str, pd.DataFrame]") -> None:
    from studies.tabular.comparison import markdown

    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, frame in frames.items():
            frame.to_csv(out / f"{name}.csv", index=False, float_format="%.5f")
            if name != "curves":
                (out / f"{name}.md").write_text(markdown(frame), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}") from None


if __name__ == "__main__":
    run_command(compare, "python -m studies.compare_searchers")
