"""`python -m studies.ground_truth RUN`: train every network of a small space, with several seeds.

Searchers are compared on what this finds, without training anything again. The command trains what
RUN lacks, seed by seed, and can be stopped and given again at any time.
"""

import gzip
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from searchspace import (
    CoConv,
    DepthwiseSeparable,
    InputError,
    Multiception,
    MultiScaleRecalibration,
    ResNetCifar,
    Rule,
    Space,
    Static,
    Unchanged,
)
from searchspace.cli import run_command, whole_number
from studies.cli.drive import prepare, train_missing
from studies.cli.options import Workers
from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.rundir.store import RunStore
from studies.spec.ablation import Ablation, Arm, Design, Study
from trainers import Digits, Recipe
from trainers.tasks.digits import HELD_OUT

CONVOLUTIONS = (Static(), CoConv(4), DepthwiseSeparable(), Multiception((3, 3)))
RECALIBRATIONS = (Unchanged(), MultiScaleRecalibration((1, 2), reduction=4))
SPACE = Space.of(
    [ResNetCifar(depth=8, width=width) for width in (2, 4)],
    *(Rule.of(f"layer{stage}.*.conv*", *CONVOLUTIONS, tie="stage") for stage in (1, 2, 3)),
    Rule.of("*.recalibration", *RECALIBRATIONS, tie="all"),
    input_size=Digits.input_size,
    num_classes=Digits.classes,
    name="ground-truth",
)
"""256 networks of 9,712 to 89,368 MACs: one operator for each stage, recalibrated or not."""

# Chosen by the validation accuracy of static networks alone, with seeds 1000 and 1001: those of 2
# and 4 channels have 66 and 83 % after 20 epochs, so that others have room both ways.
TASK = Digits(noise=1.0)
RECIPE = Recipe(epochs=27, batch_size=128, lr=0.2, nesterov=True, crop_padding=1)
SEEDS = 3
TABLE = "digits.csv.gz"
"""The table that comes with the package, in `studies/tabular/tables`."""


def plan(seeds: int = SEEDS) -> Ablation:
    """All networks, named by their number in the space."""
    arms = tuple(Arm(str(index), network) for index, network in enumerate(SPACE))
    design = Design(arms, (TASK,), RECIPE, seeds, note="Every network of a small space.")
    question = "Which networks would a perfect searcher find?"
    return Study("ground_truth", question, "", "0", {"quick": design}).ablation("quick")


def write_table(store: RunStore, asked: Ablation, file: Path) -> None:
    """Condense finished jobs to numbers of correct images, one row for each network and seed."""
    records = {record.key: record for record in store.records()}
    macs, params = SPACE.price(SPACE.rows(SPACE))
    heads = [f"epoch_{epoch}" for epoch in range(1, RECIPE.epochs + 1)]
    lines = [",".join(["network", "key", "macs", "params", "seed", *heads, "test"])]
    for arm, job in asked.jobs():
        if job.key not in records:
            raise InputError(f"network {arm.name} is not trained with seed {job.seed} yet")
        result, index = records[job.key].result, int(arm.name)
        if result.status != "finished":
            raise InputError(f"network {arm.name} ended as {result.status} with seed {job.seed}")
        right = [round(epoch.validation_accuracy * HELD_OUT) for epoch in result.curve]
        test = round(result.points[0].test_accuracy * HELD_OUT)
        cells = [index, arm.architecture.key, macs[index], params[index], job.seed, *right, test]
        lines.append(",".join(map(str, cells)))
    packed = gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)
    try:
        file.write_bytes(packed)
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}") from None


def ground_truth(
    run: Annotated[Path, typer.Argument(help="Run directory; continued if it exists.")],
    seeds: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Runs of each network.")
    ] = SEEDS,
    workers: Workers = None,
    table: Annotated[Path | None, typer.Option(help="File for the table, .csv.gz.")] = None,
) -> int:
    """Train every network of the space, then write the table if it is asked for."""
    console, store = Console(soft_wrap=True), RunStore(run)
    asked = prepare(plan(seeds), store, fresh=False, console=console)
    with RayBackend(Resources(workers)) as backend:
        status = train_missing(asked, store, backend, console)
    if status == 0 and table is not None:
        write_table(store, asked, table)
    return status


if __name__ == "__main__":
    run_command(ground_truth, "python -m studies.ground_truth")
