"""Command-line options that studies and searches share: where a run lives and what it may use."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from searchspace.cli import fraction, whole_number
from studies.execution import resources

DataRoot = Annotated[Path | None, typer.Option(help="Folder that holds the datasets.")]
Download = Annotated[
    bool,
    typer.Option(
        "--download",
        help="Fetch data that are not there into --data-root, through torchvision [default: never]",
    ),
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Start anew; an earlier run is renamed, not deleted.")
]
Workers = Annotated[
    int | None,
    typer.Option(parser=whole_number, metavar="N", help="Jobs at once [default: as many as fit]"),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(parser=fraction, metavar="SECONDS", help="Fail a job that runs longer."),
]
CpusPerTrial = Annotated[
    int | None,
    typer.Option(
        parser=whole_number,
        metavar="N",
        help="CPU cores for each job. Without GPUs, a process on each, which share every batch; "
        "with GPUs, for reading images [default: 1, or 1 for each GPU]",
    ),
]
KeepWeights = Annotated[
    resources.KeepWeights,
    typer.Option(
        metavar="|".join(get_args(resources.KeepWeights)),
        help="Trained weights that the run directory keeps; pick exports them.",
    ),
]
Address = Annotated[
    str | None, typer.Option(help="Ray cluster to use, for example auto or ray://host:10001.")
]

Track = Annotated[
    list[str] | None,
    typer.Option(
        metavar="URI",
        help="Tell a tracker of every epoch; may be repeated: tensorboard[:FOLDER], mlflow:URI, "
        "wandb[:PROJECT], csv[:FILE].",
    ),
]
Watch = Annotated[
    bool,
    typer.Option(
        "--watch", help="Show the run as it goes on, on a page at an address of this machine."
    ),
]

FILES = (".yaml", ".yml", ".json")
"""Suffixes of files that hold a study, a search or a space."""
