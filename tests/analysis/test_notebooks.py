"""Stored notebooks are up to date with their templates, code and runs."""

import base64
import json
import os
from pathlib import Path

import nbformat
import pytest

from analysis.data.runs import read_run
from analysis.notebook_outputs import PNG, bundles, executed, notebook_outputs, texts
from analysis.notebooks.build import notebook, notebook_sources
from analysis.notebooks.display import PLOTLY, FigureOutput, verdicts_markdown
from searchspace import InputError
from tests.support.paths import ROOT

FOLDER = ROOT / "analysis" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MOST_BYTES = 300_000


def test_one_for_each_paper_and_one_for_the_search() -> None:
    names = {path.stem for path in NOTEBOOKS}
    assert names == {"coconv", "multiception", "mssar", "rsnet", "hs", "joint_search"}
    assert names == set(notebook_sources())
    stored = {path.name for path in (FOLDER / "runs").iterdir()}
    used = {run for run in stored for path in NOTEBOOKS if f"runs/{run}" in path.read_text()}
    assert used == stored


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_stored_notebook_has_the_cells_of_its_template(path: Path) -> None:
    stored = nbformat.read(path, as_version=4)
    built = notebook(notebook_sources()[path.stem])
    assert [(c.cell_type, c.id, c.source) for c in stored.cells] == [
        (c.cell_type, c.id, c.source) for c in built.cells
    ]


def test_templates_are_cut_at_fences_and_have_no_empty_cell() -> None:
    built = notebook("# A\n\ntext\n\n```python\nx = 1\n```\n\n```python\nx\n```\n\nend\n")
    assert [(c.cell_type, c.source) for c in built.cells] == [
        ("markdown", "# A\n\ntext"), ("code", "x = 1"), ("code", "x"), ("markdown", "end"),
    ]  # fmt: skip


def test_a_notebook_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="there is no notebook 'vgg'; notebooks are coconv, "):
        notebook_outputs(["vgg"])


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_fresh_run_says_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(FOLDER.parent.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))
    stored = nbformat.read(path, as_version=4)
    fresh = executed(notebook(notebook_sources()[path.stem]), path)
    assert texts(fresh) == texts(stored)
    drawn = [bundle for bundle in bundles(fresh) if PLOTLY in bundle]
    assert len(drawn) == sum(PNG in bundle for bundle in bundles(stored)) > 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_stored_is_small_and_of_no_machine(path: Path) -> None:
    assert path.stat().st_size < MOST_BYTES
    data = json.loads(path.read_text())
    for cell in data["cells"]:
        assert cell.get("execution_count") is None
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error" and output.get("name") != "stderr"
            bundle = output.get("data", {})
            assert PLOTLY not in bundle
            if PNG in bundle:
                assert base64.b64decode(bundle[PNG]).startswith(b"\x89PNG")
    text = json.dumps([[c["source"], c.get("outputs")] for c in data["cells"]])
    assert str(FOLDER.parent.parent) not in text and "/home/" not in text


def test_a_changed_figure_has_another_text() -> None:
    import plotly.graph_objects as go

    first, second = (
        FigureOutput(go.Figure(go.Scatter(x=x, y=x)), "A") for x in ([1, 2], [1, 2, 3])
    )
    assert repr(first) == "A (2 points)" != repr(second)


@pytest.mark.slow
def test_a_search_has_no_verdicts() -> None:
    run = read_run(FOLDER / "runs" / "joint_search")
    with pytest.raises(InputError, match="holds a search"):
        verdicts_markdown(run)


def test_a_cell_that_fails_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.ipynb"
    with pytest.raises(InputError, match="wrong.ipynb cannot be run: ZeroDivisionError"):
        executed(notebook("```python\n1 / 0\n```"), path)
