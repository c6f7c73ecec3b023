"""`python -m analysis.notebook_outputs NOTEBOOK...`: run them, store what pages show."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import plotly.graph_objects as go
import typer

from analysis.notebook import PLOTLY
from searchspace import InputError
from searchspace.cli import run_command

PNG = "image/png"
SECONDS = 300
"""A cell that runs longer is stopped."""


def notebook_outputs(
    notebooks: Annotated[list[Path], typer.Argument(metavar="NOTEBOOK...", help=".ipynb files.")],
) -> None:
    """Run notebooks from the top and store their outputs, figures as PNG (needs Chromium)."""
    for path in notebooks:
        done = executed(path)
        for bundle in bundles(done):
            if PLOTLY in bundle:
                image = go.Figure(bundle.pop(PLOTLY)).to_image("png", scale=1)
                bundle[PNG] = base64.b64encode(image).decode()
        write(done, path)


def executed(path: Path) -> Any:
    """The notebook as a fresh kernel leaves it, without execution counts."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook: Any = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(
        notebook, timeout=SECONDS, resources=where, record_timing=False, kernel_name="python3"
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise InputError(f"{path} cannot be run: {error.ename}: {error.evalue}") from None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = None
    return notebook


def write(notebook: Any, path: Path) -> None:
    """Store a notebook with nothing that is of this machine."""
    import nbformat

    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    path.write_text(f"{nbformat.writes(notebook)}\n", encoding="utf-8")


def bundles(notebook: Any) -> Iterator[Any]:
    """The outputs of a notebook by media type."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                yield output["data"]


def texts(notebook: Any) -> list[list[str]]:
    """What each code cell says in words."""
    return [
        [
            output["text"] if "text" in output else output["data"].get("text/plain", "")
            for output in cell.outputs
        ]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


if __name__ == "__main__":
    run_command(notebook_outputs, "python -m analysis.notebook_outputs")
