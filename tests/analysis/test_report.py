import json
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from analysis.data import runs
from analysis.data.runs import read_run
from analysis.report import PAGE, TABLE, report
from analysis.sections.fronts import front_sections
from searchspace import InputError
from studies.rundir.store import RunStore
from tests.support.helpers import search, study, with_study, write_ablation, write_search


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of nine jobs of which the last is missing."""
    folder = tmp_path_factory.mktemp("run")
    write_ablation(folder, jobs=8)
    return folder


@pytest.fixture(scope="module")
def search_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    write_search(folder)
    return folder


class Page(HTMLParser):
    """What a browser would fetch, and the JSON that the page holds by name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.data: dict[str, object] = {}
        self.inside: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        links = [attributes.get(name) or "" for name in ("src", "href")]
        self.fetched += [link for link in links if link and not link.startswith("#")]
        self.inside = attributes.get("id") if attributes.get("type") == "application/json" else None

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.data[self.inside] = json.loads(data)
            self.inside = None


def test_report_writes_table_and_page_and_says_where(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report([run_dir]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert str(run_dir / PAGE) in output
    assert "The run is not complete: it asked for 3 seeds of each arm." in output
    assert "† Not comparable" in output
    table = pd.read_csv(run_dir / TABLE)
    assert table["arm"].tolist() == ["static", "coconv", "two sizes at 8 px", "two sizes at 6 px"]
    assert table["n"].tolist() == [3, 2, 2, 2]


def test_page_is_one_file_that_fetches_nothing_and_has_every_part(run_dir: Path) -> None:
    report([run_dir])
    text = (run_dir / PAGE).read_text()
    page = Page(text)
    assert page.fetched == []
    # Plotly is there once, packed.
    assert text.count('id="plotly"') == 1
    assert len(text) < 2.5e6
    figures = {name.removesuffix("-0-f-data") for name in page.data} - {"networks"}
    assert figures == {
        "front-macs", "front-macs-published", "front-params", "front-probability", "attainment",
        "learning",
    }  # fmt: skip
    words = text.replace("\xa0", " ")
    for expected in (
        "Does it run?",
        "Experts help",
        "0 supported, 0 contradicted, 0 equivalent, 1 undecided",
        "diverged in epoch 2",
        "latency of these networks was not measured",
        "python",
    ):
        assert expected in words, expected


def test_report_of_a_search(search_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report([search_dir]) == 0
    assert "Front of tiny: 2 of 5 networks" in capsys.readouterr().out
    page = Page((search_dir / PAGE).read_text())
    assert {"hypervolume-jobs-0-f-data", "early-stopping-0-f-data"} <= set(page.data)
    text = (search_dir / PAGE).read_text()
    assert "4 networks have an accuracy" in text
    assert "too few networks were trained with several seeds" in text
    assert pd.read_csv(search_dir / TABLE)["mean"].max() == pytest.approx(81)


def test_several_runs_side_by_side(run_dir: Path, search_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "both.html"
    report([run_dir, search_dir], out=out)
    text = out.read_text()
    page = Page(text)
    networks = page.data["networks"]
    assert isinstance(networks, list)
    assert len(networks) == 2
    assert text.count('id="plotly"') == 1
    for name in (run_dir.name, search_dir.name):
        assert f'<h2 class="run">{name}: ' in text
    # Test and validation accuracies are not drawn in one figure.
    assert {"fronts-1-0-f-data", "fronts-2-0-f-data"} <= set(page.data)


def test_run_in_which_everything_diverged_gives_reasons_not_blank_plots(tmp_path: Path) -> None:
    write_ablation(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    for line in lines:
        line["result"] |= {"status": "diverged", "points": [], "curve": [], "reason": "no luck"}
    (tmp_path / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    report([tmp_path])
    text = (tmp_path / PAGE).read_text()
    assert set(Page(text).data) == {"networks"}
    assert "No figure: no network has an accuracy yet." in text
    assert "No figure: no job has finished an epoch." in text
    assert "no\xa0luck" in text


@pytest.mark.parametrize("asked", [study().ablation("quick"), search()])
def test_run_without_results_gives_reasons(
    asked: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = RunStore(tmp_path)
    with store.locked():
        store.ask(asked, {})  # type: ignore[arg-type]
    assert report([tmp_path]) == 0
    assert "has no finished job yet" in " ".join(capsys.readouterr().out.split())
    text = (tmp_path / PAGE).read_text()
    assert set(Page(text).data) == {"networks"}
    assert "No job has ended yet." in text


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run"):
        report([tmp_path])


def test_text_that_looks_like_a_script_stays_text(tmp_path: Path) -> None:
    plan = with_study(study().ablation("quick"), question="Is </script><b>this</b> safe?")
    store = RunStore(tmp_path)
    with store.locked():
        store.ask(plan, {})
    report([tmp_path])
    assert "</script><b>" not in (tmp_path / PAGE).read_text()


def test_tables_of_fronts_identify_networks(
    search_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = read_run(search_dir)
    table = front_sections(run, 0)[0].tables[0].frame
    assert table.groupby("arm")["label"].nunique().tolist() == [1] * table["arm"].nunique()
    assert table["label"].nunique() == table["arm"].nunique()
    report([search_dir])
    output = " ".join(capsys.readouterr().out.split())
    assert "resnet_cifar(depth=8, width=2) + 8/6 px, none distillation" in output
    # Of very many networks, those on the front.
    monkeypatch.setattr(runs, "LABELLED", 3)
    table = front_sections(run, 0)[0].tables[0].frame
    assert (table["label"] == "").any()
    assert (table["label"] != "")[table["on_front"]].all()


def test_a_page_says_what_intervals_of_few_seeds_suppose(search_dir: Path, run_dir: Path) -> None:
    """Eight trials with one replicate: one degree of freedom; the ablation has seven."""
    report([search_dir])
    page = (search_dir / PAGE).read_text()
    assert "fewer than 3 seeds and no interval: too few were trained again" in page
    report([run_dir])
    assert "their intervals suppose the spread of all networks" in (run_dir / PAGE).read_text()


def test_pages_share_a_copy_of_plotly(run_dir: Path, tmp_path: Path) -> None:
    script = tmp_path / "plotly 1.js"
    report([run_dir], out=tmp_path / "page.html", plotly=script)
    assert script.stat().st_size > 1e6
    assert (tmp_path / "page.html").stat().st_size < 3e5
    assert Page((tmp_path / "page.html").read_text()).fetched == ["plotly%201.js"]
    script.write_text("kept")
    (tmp_path / "pages").mkdir()
    report([run_dir], out=tmp_path / "pages" / "page.html", plotly=script)
    assert script.read_text() == "kept"
    assert "../plotly%201.js" in Page((tmp_path / "pages" / "page.html").read_text()).fetched
