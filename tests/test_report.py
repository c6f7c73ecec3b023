import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from analysis.report import PAGE, TABLE, report
from searchspace import InputError
from studies.store import Store
from tests.helpers import study
from tests.test_studies import run_in_process


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose last of four jobs is missing."""
    folder = tmp_path_factory.mktemp("run")
    run_in_process(study(), folder, 3)
    return folder


class Links(HTMLParser):
    """Everything that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]


def test_report_writes_table_and_page_and_says_where(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(run_dir) == 0
    output = capsys.readouterr().out
    assert str(run_dir / PAGE) in output
    assert "The run is not complete: 2 seeds of each arm were asked for." in output
    assert "† Not comparable" in output
    table = pd.read_csv(run_dir / TABLE)
    assert table["arm"].tolist() == ["static", "coconv"]
    assert table["n"].tolist() == [2, 1]


def test_page_is_one_file_that_fetches_nothing(run_dir: Path) -> None:
    report(run_dir)
    text = (run_dir / PAGE).read_text()
    links = Links()
    links.feed(text)
    assert links.found == []
    assert text.count("Plotly.newPlot(") >= 1
    # The configuration shown on hover.
    assert "resnet_cifar" in text
    assert "coconv" in text


@pytest.mark.browser
def test_page_draws_in_a_browser_without_a_network(run_dir: Path, tmp_path: Path) -> None:
    """Chromium runs the page's script and draws a marker for each arm."""
    report(run_dir)
    done = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--virtual-time-budget=10000", f"--user-data-dir={tmp_path}", "--dump-dom",
            f"file://{run_dir / PAGE}",
        ],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    drawn = re.findall(r'<path class="point ', done.stdout)
    assert len(drawn) == 2, done.stderr[-500:]


def test_run_in_which_everything_diverged_gives_reasons_not_blank_plots(tmp_path: Path) -> None:
    recipe = replace(study().presets["quick"].recipe, lr=1e38)
    run_in_process(study(recipe=recipe), tmp_path, 4)
    report(tmp_path)
    text = (tmp_path / PAGE).read_text()
    assert "No figure: every run ended without an accuracy." in text
    assert "Plotly.newPlot(" not in text


def test_run_without_results_is_one_sentence(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.locked():
        store.ask(study().plan("quick"), {})
    with pytest.raises(InputError, match="has no finished job yet"):
        report(tmp_path)
