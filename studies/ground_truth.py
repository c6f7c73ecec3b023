"""`python -m studies.ground_truth RUN`: make the tabular benchmark that searchers are compared on.

The command trains every network of a small space, seed by seed. It can be stopped and given again
at any time: it trains what RUN lacks.
"""

from pathlib import Path
from typing import Annotated

import typer

from searchspace.cli import run_command, whole_number
from searchspace.console import plain_console
from studies.cli.options import Workers
from studies.cli.running import run_ablation
from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.rundir.store import RunStore
from studies.tabular.digits_space import SEEDS, all_networks, write_table


def ground_truth(
    run: Annotated[Path, typer.Argument(help="Run directory; continued if it exists.")],
    seeds: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Runs of each network.")
    ] = SEEDS,
    workers: Workers = None,
    table: Annotated[Path | None, typer.Option(help="File for the table, .csv.gz.")] = None,
) -> int:
    """Train every network of the space, then write the table if it is asked for."""
    console, store = plain_console(soft_wrap=True), RunStore(run)
    with RayBackend(Resources(workers)) as backend:
        status = run_ablation(all_networks(seeds), store, backend, console)
    if status == 0 and table is not None:
        write_table(store, all_networks(seeds), table)
    return status


if __name__ == "__main__":
    run_command(ground_truth, "python -m studies.ground_truth")
