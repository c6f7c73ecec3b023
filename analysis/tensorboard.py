"""`python -m analysis.tensorboard RUN`: the learning curves of a run as TensorBoard reads them."""

import re
import shutil
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from searchspace import InputError
from searchspace.cli import run_command
from studies import load_curves, read_experiment

FOLDER = "tensorboard"
SCALARS = ("train_loss", "validation_accuracy", "validation_loss")


def main(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
) -> int:
    """Write event files into RUN/tensorboard, anew each time; `tensorboard --logdir` shows them."""
    read_experiment(run_dir)
    curves = load_curves(run_dir)
    if curves.empty:
        raise InputError(f"{run_dir} has no learning curve yet; run it again to train some")
    folder = run_dir / FOLDER
    count = write_events(curves, folder)
    print(f"{count} curves; look at them with\n\n    tensorboard --logdir {folder}")
    return 0


def write_events(curves: pd.DataFrame, folder: Path) -> int:
    """An event file for each job of `load_curves`, in place of those in the folder; how many."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError(
            "this needs tensorboard; install it with `pip install 'convfrontier[dashboards]'`"
        ) from None
    if folder.exists():
        shutil.rmtree(folder)
    several = curves["task"].nunique() > 1
    jobs = [job for _, job in curves.groupby("key", sort=False)]
    for job in jobs:
        first = job.iloc[0]
        name = first["arm"] if pd.isna(first["trial"]) else f"trial-{first['trial']}"
        parts = [*([first["task"]] if several else []), name, f"seed-{first['seed']}"]
        place = folder.joinpath(*(_file_name(str(part)) for part in parts))
        with SummaryWriter(str(place)) as writer:
            for row in job.to_dict("records"):
                for scalar in SCALARS:
                    writer.add_scalar(scalar, row[scalar], row["epoch"])
    return len(jobs)


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.=_-]+", "-", text)


if __name__ == "__main__":
    run_command(main, "python -m analysis.tensorboard")
