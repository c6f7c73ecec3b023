"""`python -m analysis.notebook_outputs [NAME...]`: build notebooks, run them, store outputs."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import plotly.graph_objects as go
import typer

from analysis.notebooks.build import notebook, notebook_sources
from analysis.notebooks.display import PLOTLY
from searchspace import InputError
from searchspace.cli import run_command

FOLDER = Path(__file__).parent / "notebooks"
PNG = "image/png"
SECONDS = 300
"""A cell that runs longer is stopped."""


def notebook_outputs(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Notebooks [default: all].")
    ] = None,
) -> None:
    """Build notebooks from their templates, run them, and store figures as PNG (Chromium)."""
    sources = notebook_sources()
    unknown = [name for name in names or () if name not in sources]
    if unknown:
        raise InputError(f"there is no notebook {unknown[0]!r}; notebooks are {', '.join(sources)}")
    for name in names or sources:
        path = FOLDER / f"{name}.ipynb"
        built = executed(notebook(sources[name]), path)
        for bundle in bundles(built):
            if PLOTLY in bundle:
                image = go.Figure(bundle.pop(PLOTLY)).to_image("png", scale=1)
                bundle[PNG] = base64.b64encode(image).decode()
        write(built, path)


def executed(source: Any, path: Path) -> Any:
    """A notebook as a fresh kernel in the folder of `path` leaves it, without execution counts."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    where = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(
        source, timeout=SECONDS, resources=where, record_timing=False, kernel_name="python3"
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise InputError(f"{path} cannot be run: {error.ename}: {error.evalue}") from None
    for cell in source.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = None
    return source


def write(source: Any, path: Path) -> None:
    """Store a notebook without what is specific to a machine."""
    import nbformat

    source.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    path.write_text(f"{nbformat.writes(source)}\n", encoding="utf-8")


def bundles(source: Any) -> Iterator[Any]:
    """The outputs of a notebook by media type."""
    for cell in source.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                yield output["data"]


def texts(source: Any) -> list[list[str]]:
    """The outputs of each code cell as text."""
    return [
        [
            output["text"] if "text" in output else output["data"].get("text/plain", "")
            for output in cell.outputs
        ]
        for cell in source.cells
        if cell.cell_type == "code"
    ]


if __name__ == "__main__":
    run_command(notebook_outputs, "python -m analysis.notebook_outputs")
