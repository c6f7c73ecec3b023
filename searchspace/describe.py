"""Describes a search space or a model: `python -m searchspace.describe SPACE_OR_MODEL`."""

from typing import TYPE_CHECKING, Annotated

import typer

from searchspace.checks import MAX_SAMPLES, MAX_SIZE, check_integer, check_one_of
from searchspace.cli import run_command, whole_number, whole_number_or_zero
from searchspace.console import plain_console

if TYPE_CHECKING:
    from searchspace.cost import Form


def command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="SPACE",
            help="A name, or a YAML or JSON file; or a model to graft: torchvision/NAME, "
            "timm/NAME or FILE.py:FUNCTION.",
        ),
    ],
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
    size: Annotated[
        int | None,
        typer.Option(
            parser=whole_number, metavar="PIXELS", help="Side of a model's images, if not 224."
        ),
    ] = None,
) -> None:
    """Print what is in a search space (slots, options, number of networks, costs), or in a model.

    Of a model, its slots are printed, and which operators each of them can take.
    """
    from searchspace.backbones.graft.sources import is_model
    from searchspace.space.description import describe, open_space
    from searchspace.space.model_slots import describe_model

    check_integer(1, MAX_SAMPLES, samples=samples)
    if size is not None:
        check_integer(1, MAX_SIZE, size=size)
    check_one_of(("deployed", "training"), form=form)
    console = plain_console(highlight=False)
    chosen: Form = "deployed" if form == "deployed" else "training"
    if is_model(name):
        describe_model(name, console, form=chosen, input_size=size)
    else:
        describe(open_space(name), console, form=chosen, samples=samples, seed=seed)


def main() -> None:
    """Run the command line."""
    run_command(command, "python -m searchspace.describe")


if __name__ == "__main__":
    main()
