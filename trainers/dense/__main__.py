"""`python -m trainers.dense ARCH.json`: what a dense model costs, and whether it learns."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.table import Table

from searchspace import Architecture, Cost
from searchspace.checks import check_one_of
from searchspace.cli import run_command, whole_number, whole_number_or_zero
from searchspace.console import plain_console
from searchspace.serialization.files import read_json
from trainers.dense.costs import dense_costs
from trainers.dense.detection import DETECTORS, detector
from trainers.dense.fitting import fit
from trainers.dense.segmentation import deeplab
from trainers.dense.shapes import CLASSES, scenes

DEEPLAB = "deeplab_v3"
BATCH = 4


def main(
    architecture: Annotated[Path, typer.Argument(metavar="ARCH.json", help="As a pick writes it.")],
    kind: Annotated[
        str, typer.Option(help=f"{', '.join(DETECTORS)} or {DEEPLAB}.")
    ] = "faster_rcnn",
    weights: Annotated[
        Path | None, typer.Option(help="weights.safetensors of a training [default: random]")
    ] = None,
    size: Annotated[
        int, typer.Option(parser=whole_number, metavar="PIXELS", help="Side of the images.")
    ] = 64,
    steps: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Training steps.")
    ] = 20,
    output_stride: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help=f"Of {DEEPLAB}: 16 or 8.")
    ] = 16,
    seed: Annotated[
        int,
        typer.Option(parser=whole_number_or_zero, metavar="N", help="Decides weights and scenes."),
    ] = 0,
) -> int:
    """Build a dense model on an architecture, show its costs, train it on coloured rectangles."""
    check_one_of((*DETECTORS, DEEPLAB), kind=kind)
    chosen = Architecture.from_json(read_json(architecture), str(architecture))
    torch.manual_seed(seed)
    if kind == DEEPLAB:
        model = deeplab(chosen, weights, classes=CLASSES, output_stride=output_stride)
    else:
        model = detector(chosen, weights, kind=kind, classes=CLASSES, min_size=size, max_size=size)
    console = plain_console(soft_wrap=True)
    console.print(_table(dense_costs(model, size), f"{kind} at {size}x{size}"))

    def show(step: int, loss: float) -> None:
        if step in (1, steps) or step % 10 == 0:
            console.print(f"step {step}/{steps}: loss {loss:.3f}")

    generator = torch.Generator().manual_seed(seed)
    fit(model, lambda: scenes(BATCH, size, generator), steps, report=show)
    return 0


def _table(costs: dict[str, Cost], title: str) -> Table:
    table = Table("part", "MACs", "parameters", title=title)
    for part, cost in costs.items():
        table.add_row(part, f"{cost.macs:,}", f"{cost.params:,}")
    return table


if __name__ == "__main__":
    run_command(main, "python -m trainers.dense")
