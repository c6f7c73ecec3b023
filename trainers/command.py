"""The command line that trains one network."""

from pathlib import Path
from typing import Annotated

import typer

from searchspace.cli import whole_number, whole_number_or_zero


def main(
    architecture: Annotated[
        Path, typer.Argument(metavar="ARCH.json", help="The network, as a study's pick writes it.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for metrics, weights and checkpoints.")],
    task: Annotated[str, typer.Option(help="A task's name, or a JSON or YAML file.")] = "digits",
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a JSON or YAML file.")] = "quick",
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the recipe."),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            parser=whole_number_or_zero,
            metavar="N",
            help="Decides weights, order and augmentation.",
        ),
    ] = 0,
    data_root: Annotated[Path | None, typer.Option(help="Folder that holds the datasets.")] = None,
    download: Annotated[
        bool,
        typer.Option(
            "--download",
            help="Fetch data that are not there into --data-root, through torchvision "
            "[default: never]",
        ),
    ] = False,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or cuda:N [default: cuda if there is one]")
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="CPU threads of each process."),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            parser=whole_number,
            metavar="N",
            help="Processes that share each batch, on a GPU each, or on the CPU "
            "[default: as torchrun says, else 1]",
        ),
    ] = None,
    recompute: Annotated[
        bool,
        typer.Option("--recompute", help="Less memory for a switchable network; same result."),
    ] = False,
) -> int:
    """Train one network; the same command again continues after an interruption."""
    from trainers.training_folder import job_from_files, train_in_folder

    job, images = job_from_files(architecture, task, recipe, change or [], seed)
    if download:
        job.task.download(data_root or images)
    return train_in_folder(
        job,
        out,
        data_root=data_root or images,
        device=device,
        threads=threads,
        recompute=recompute,
        processes=processes,
    )
