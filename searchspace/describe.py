"""Describes a search space: `python -m searchspace.describe SPACE`."""

from typing import Annotated

import typer
from rich.console import Console

from searchspace.checks import MAX_SAMPLES, check_integer, check_one_of
from searchspace.cli import run_command


def command(
    name: Annotated[str, typer.Argument(metavar="SPACE", help="A name, or a YAML or JSON file.")],
    form: Annotated[str, typer.Option(help="deployed or training")] = "deployed",
    samples: Annotated[int, typer.Option(help="Networks in the histogram.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Seed of the histogram's networks.")] = 0,
) -> None:
    """Print what is in a search space: slots, options, number of networks, costs."""
    from searchspace.space.description import describe, open_space

    check_integer(1, MAX_SAMPLES, samples=samples)
    check_one_of(("deployed", "training"), form=form)
    console = Console(highlight=False)
    describe(
        open_space(name),
        console,
        form="deployed" if form == "deployed" else "training",
        samples=samples,
        seed=seed,
    )


def main() -> None:
    """Run the command line."""
    run_command(command, "python -m searchspace.describe")


if __name__ == "__main__":
    main()
