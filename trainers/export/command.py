"""`python -m trainers.export TRAINED_DIR --out DIR`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchspace.cli import fraction, whole_number
from searchspace.console import plain_console

if TYPE_CHECKING:
    from rich.table import Table

    from trainers.export.manifest import ExportManifest


def main(
    trained: Annotated[
        Path, typer.Argument(metavar="TRAINED_DIR", help="What `trainers.train --out` wrote.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the files, the record and the card.")],
    size: Annotated[
        list[int] | None,
        typer.Option(
            parser=whole_number,
            metavar="PIXELS",
            help="Input size of a switchable network; may be repeated [default: all]",
        ),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="safetensors, torch or onnx; may be repeated [default: all]",
        ),
    ] = None,
    data_root: Annotated[Path | None, typer.Option(help="Folder that holds the datasets.")] = None,
    note: Annotated[str, typer.Option(help="How the network was chosen, for the card.")] = "",
    chosen_accuracy: Annotated[
        float | None,
        typer.Option(
            parser=fraction,
            metavar="PERCENT",
            help="Mean validation accuracy that it was chosen by, for the card.",
        ),
    ] = None,
) -> int:
    """Write a trained network as files to deploy; each is checked against it on real images."""
    from trainers.export.exporting import CARD, export
    from trainers.export.formats import FORMATS
    from trainers.export.trained import read_trained

    manifest = export(
        read_trained(trained),
        out,
        sizes=size or (),
        formats=formats or tuple(FORMATS),
        data_root=data_root,
        note=note,
        chosen_accuracy=chosen_accuracy,
    )
    console = plain_console(soft_wrap=True)
    console.print(_table(manifest))
    console.print(f"files and {CARD} in {out}")
    return 0


def _table(manifest: "ExportManifest") -> "Table":
    from rich.table import Table

    table = Table("size", "file", "largest difference", "agreement", "ms for one image")
    for entry in manifest.sizes:
        table.add_row(
            f"{entry.size}", "(training form)", "", "", f"{entry.training_latency.median_ms:.2f}"
        )
        for file in entry.files:
            table.add_row(
                f"{entry.size}",
                file.name,
                f"{file.parity.max_difference:.1e}",
                f"{file.parity.agreement:.1%}",
                f"{file.latency.median_ms:.2f}",
            )
    return table
