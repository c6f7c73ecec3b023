"""Describes a search space: `python -m searchspace.describe SPACE`."""

from typing import Annotated

import typer

from searchspace.checks import MAX_SAMPLES, check_integer, check_one_of
from searchspace.cli import run_command, whole_number, whole_number_or_zero
from searchspace.console import plain_console


def command(
    name: Annotated[str, typer.Argument(metavar="SPACE", help="A name, or a YAML or JSON file.")],
    form: Annotated[str, typer.Option(help="deployed or training")] = "deployed",
    samples: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Networks in the histogram.")
    ] = 100_000,
    seed: Annotated[
        int,
        typer.Option(
            parser=whole_number_or_zero, metavar="N", help="Seed of the histogram's networks."
        ),
    ] = 0,
) -> None:
    """Print what is in a search space: slots, options, number of networks, costs."""
    from searchspace.space.description import describe, open_space

    check_integer(1, MAX_SAMPLES, samples=samples)
    check_one_of(("deployed", "training"), form=form)
    console = plain_console(highlight=False)
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
