import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from analysis.data.frames import VERDICT_COLUMNS
from analysis.data.runs import read_ablations
from analysis.results import INDEX, results
from analysis.sections.result_pages import VERDICTS
from analysis.summary import PAGE, TABLE, summary
from searchspace import InputError
from searchspace.cli import INTERRUPTED
from studies import Claim, Study
from studies.cli import running
from studies.cli.outcome import FAILED
from studies.cli.running import run_all
from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.rundir.store import RunStore
from studies.spec.claims import exceeds
from tests.studies.papers.test_studies import run_in_process
from tests.support.helpers import RECIPE, study, with_design
from trainers import Cifar10

CLAIMS = (
    Claim("Experts help", "CoConv Table 4", exceeds("coconv", "static")),
    Claim("Experts hurt | a lot", "CoConv Table 4", exceeds("static", "coconv", margin=30)),
)


def claiming(name: str = "tiny", seeds: int = 3) -> Study:
    made = study(seeds=seeds, recipe=replace(RECIPE, epochs=1))
    design = replace(made.presets["quick"], claims=CLAIMS)
    return replace(made, name=name, presets={"quick": design})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A complete run of six jobs and one of which the last two are missing."""
    folder = tmp_path_factory.mktemp("runs")
    run_in_process(claiming(), folder / "whole", 6)
    run_in_process(claiming("part"), folder / "part", 4)
    return [folder / "whole", folder / "part"]


def test_results_are_files_to_keep(runs: list[Path], tmp_path: Path) -> None:
    results(runs, tmp_path / "a")
    results(runs, tmp_path / "b")
    files = {path.name: path.read_text() for path in (tmp_path / "a").iterdir()}
    assert set(files) == {INDEX, VERDICTS, "tiny.md", "part.md"}
    # The same runs make the same files.
    assert files == {path.name: path.read_text() for path in (tmp_path / "b").iterdir()}
    page = files["tiny.md"]
    assert page.startswith("# tiny\n\nDoes it run? After CoConv Table 4.\n")
    assert "| static |" in page
    assert "Experts hurt \\| a lot" in page
    assert "`python -m studies.run tiny --preset quick --seeds 3`" in page
    assert "6 of 6 jobs ended, seeds 0 to 2, 0 of them without an accuracy" in page
    assert "torch" in page
    assert "not complete" not in page
    assert "not complete" in files["part.md"]
    assert "[part](part.md) (not complete)" in files[INDEX]
    assert "2 paired seeds, at least 3 are needed" in files[INDEX]
    assert files[INDEX].startswith("# Results\n\nTrained on digits")
    # One task stands above the tables, several in a column.
    assert "| task |" not in files[INDEX]


def test_every_table_of_the_markdown_is_whole(runs: list[Path], tmp_path: Path) -> None:
    results(runs, tmp_path)
    pages = sorted(tmp_path.glob("*.md"))
    assert len(pages) == len(runs) + 1
    for path in pages:
        tables = re.findall(r"(?:^\|.*\n)+", path.read_text(), re.MULTILINE)
        assert tables
        for table in tables:
            # Pipes within a cell are escaped.
            widths = [line.replace("\\|", "").count("|") for line in table.splitlines()]
            assert len(widths) > 2 and len(set(widths)) == 1, table


def test_verdicts_as_numbers(runs: list[Path], tmp_path: Path) -> None:
    results(runs, tmp_path)
    rows = list(csv.DictReader((tmp_path / VERDICTS).read_text().splitlines()))
    assert list(rows[0]) == list(VERDICT_COLUMNS)
    assert [row["study"] for row in rows] == ["tiny", "tiny", "part", "part"]
    assert rows[0]["comparison"] == "coconv > static"
    assert float(rows[1]["difference"]) == pytest.approx(
        -float(rows[0]["difference"]) - 30, abs=1e-3
    )


def test_summary_shows_all_verdicts_on_one_page(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary(runs, tmp_path)
    output = capsys.readouterr().out
    assert "Experts help" in output
    assert "tiny on digits" in output
    assert len((tmp_path / TABLE).read_text().splitlines()) == 5
    page = (tmp_path / PAGE).read_text()
    # Once in each study's table, and in its drawing for wide and for narrow screens.
    assert page.count("<td>Experts help</td>") == 2
    assert page.count(">Experts help</text>") == 4
    assert "http" not in page


def test_runs_that_cannot_be_shown_together(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="both hold tiny with preset quick"):
        read_ablations([runs[0], runs[0]])
    with pytest.raises(InputError, match="holds no run"):
        read_ablations([tmp_path])


@pytest.mark.slow
def test_all_studies_run_though_some_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One lacks its data, one has a failing job; the third is trained and all are told about."""
    trained: list[str] = []

    def train(plan: object, store: RunStore, *rest: object, **options: object) -> int:
        trained.append(store.folder.name)
        run_in_process(claiming(store.folder.name), store.folder, 2)
        return FAILED if store.folder.name == "second" else 0

    monkeypatch.setattr(running, "train_missing", train)
    plans = [claiming(name).ablation("quick") for name in ("first", "second", "third")]
    plans[0] = with_design(plans[0], tasks=(Cifar10(),))
    console = Console(width=200)
    status = run_all(plans, tmp_path, RayBackend(Resources()), console, fresh=False)
    assert status == FAILED
    assert trained == ["second", "third"]
    output = capfd.readouterr().out
    assert "first was not run: task cifar10 needs --data-root" in output
    assert (tmp_path / PAGE).exists()
    assert "third on digits" in output


def test_an_interruption_stops_all_studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []

    def stop(plan: object, store: RunStore, *rest: object, **options: object) -> int:
        calls.append(store.folder)
        return INTERRUPTED

    monkeypatch.setattr(running, "train_missing", stop)
    plans = [claiming(name).ablation("quick") for name in ("first", "second")]
    status = run_all(plans, tmp_path, RayBackend(Resources()), Console(), fresh=False)
    assert status == INTERRUPTED
    assert calls == [tmp_path / "first"]
