"""The small space of the tabular benchmark, and how every network of it is trained.

256 networks of 9,712 to 89,368 MACs: one operator for each stage, recalibrated or not.
"""

import gzip
from pathlib import Path

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
from searchspace.serialization.files import write_bytes
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

# Chosen by the validation accuracy of static networks alone, with seeds 1000 and 1001: those of 2
# and 4 channels have 66 and 83 % after 20 epochs, so that others can be worse or better.
TASK = Digits(noise=1.0)
RECIPE = Recipe(epochs=27, batch_size=128, lr=0.2, nesterov=True, crop_padding=1)
SEEDS = 3
TABLE = "digits.csv.gz"
"""The table that comes with the package, in `studies/tabular/tables`."""


def all_networks(seeds: int = SEEDS) -> Ablation:
    """The training of all networks; an arm is named by the number of its network in the space."""
    arms = tuple(Arm(str(index), network) for index, network in enumerate(SPACE))
    design = Design(arms, (TASK,), RECIPE, seeds, note="Every network of a small space.")
    question = "Which networks would a perfect searcher find?"
    return Study("ground_truth", question, "", "0", {"quick": design}).ablation("quick")


def write_table(store: RunStore, ablation: Ablation, file: Path) -> None:
    """Write a row for each network and seed, with the numbers of correct images.

    Raises an InputError if a job has not finished.
    """
    records = {record.key: record for record in store.records()}
    macs, params = SPACE.price(SPACE.rows(SPACE))
    columns = [f"epoch_{epoch}" for epoch in range(1, RECIPE.epochs + 1)]
    lines = [",".join(["network", "key", "macs", "params", "seed", *columns, "test"])]
    for arm, job in ablation.jobs():
        if job.key not in records:
            raise InputError(f"network {arm.name} is not trained with seed {job.seed} yet")
        result, index = records[job.key].result, int(arm.name)
        if result.status != "finished":
            raise InputError(f"network {arm.name} ended as {result.status} with seed {job.seed}")
        correct = [round(epoch.validation_accuracy * HELD_OUT) for epoch in result.curve]
        test = round(result.points[0].test_accuracy * HELD_OUT)
        cells = [index, arm.architecture.key, macs[index], params[index], job.seed, *correct, test]
        lines.append(",".join(map(str, cells)))
    packed = gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)
    write_bytes(file, packed)
