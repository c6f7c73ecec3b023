import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from analysis import costs
from analysis.audit.audit import (
    DIFFERS,
    EQUAL,
    NOT_BUILT,
    TRUNCATED,
    Audited,
    Cell,
    audit,
    cost_cells,
    ours_by_convention,
    to_frame,
    verdict,
    verdict_counts,
)
from analysis.audit.conventions import hs_macs, hs_params, multiception_params
from analysis.document_tables import costs_parts, filled
from searchspace import (
    Architecture,
    HierarchicalSplit,
    InputError,
    Multiception,
    NamedNetwork,
    Res2Net,
    catalogue_entry,
    measure,
    names,
)
from searchspace.paper_networks.hs import RESNET50D, SETTINGS
from studies.papers.coconv.tables import TABLE_1, TABLE_2
from studies.papers.multiception.tables import TABLES_1_TO_3
from studies.papers.printed import PrintedCost, PrintedRow
from tests.support.paths import ROOT

CELLS = cost_cells()


@pytest.fixture(scope="module")
def judged() -> list[Audited]:
    """Every cell under its paper's convention; our own measure is not needed for the verdict."""
    rows = []
    for cell in CELLS:
        ours = ours_by_convention(cell) if cell.cost.networks else None
        judged_as = NOT_BUILT if ours is None else verdict(cell.cost.digits, ours)
        rows.append(Audited(cell, ours, judged_as, None, None))
    return rows


@pytest.mark.slow
def test_verdicts_are_those_found_by_rebuilding_the_papers(judged: list[Audited]) -> None:
    assert verdict_counts(judged) == {
        "CoConv": {EQUAL: 14, TRUNCATED: 0, DIFFERS: 0, NOT_BUILT: 0},
        "Multiception": {EQUAL: 17, TRUNCATED: 1, DIFFERS: 7, NOT_BUILT: 0},
        "MS-SAR": {EQUAL: 47, TRUNCATED: 3, DIFFERS: 20, NOT_BUILT: 0},
        "RS-Net": {EQUAL: 36, TRUNCATED: 1, DIFFERS: 0, NOT_BUILT: 0},
        "HS": {EQUAL: 5, TRUNCATED: 0, DIFFERS: 7, NOT_BUILT: 1},
    }


@pytest.mark.slow
def test_exactly_the_figures_that_are_not_equal_have_a_reason(judged: list[Audited]) -> None:
    for row in judged:
        assert bool(row.cell.cost.reason) == (row.verdict != EQUAL), row.cell


@pytest.mark.slow
def test_the_document_is_up_to_date(judged: list[Audited]) -> None:
    page = (ROOT / "docs" / "costs.md").read_text()
    assert filled(page, costs_parts(judged)) == page


@pytest.mark.parametrize(
    ("text", "ours", "expected"),
    [
        ("1.822", 1.8224999, EQUAL),
        ("1.822", 1.8225, TRUNCATED),
        ("1.822", 1.8215, EQUAL),
        ("1.822", 1.8214, DIFFERS),
        ("161", 161.9067, TRUNCATED),
        ("-30.30", -30.2951, EQUAL),
        ("-30.30", -30.3051, TRUNCATED),
        ("7.9", 8.0, DIFFERS),
    ],
)
def test_verdict(text: str, ours: float, expected: str) -> None:
    assert verdict(text, ours) == expected


def test_cells_are_distinct_and_name_networks() -> None:
    where = [(cell.paper, cell.table, cell.row, cell.cost.column) for cell in CELLS]
    assert len(set(where)) == len(where) == 159
    assert {name for cell in CELLS for name in cell.cost.networks} <= set(names())


def test_every_named_network_but_those_of_accuracies_alone_has_a_printed_cost() -> None:
    printed = {name for cell in CELLS for name in cell.cost.networks}
    accuracies = {row.network for row in TABLE_1 + TABLE_2 + TABLES_1_TO_3}
    # Trained with norms in its branches, counted without.
    accuracies.add("resnet18-ac-imagenet")
    assert set(names()) - accuracies <= printed


def test_reasons_that_state_a_count_are_right() -> None:
    assert hs_params(catalogue_entry("resnext50d-imagenet")) == 23_660_129
    assert measure(
        Architecture(
            RESNET50D,
            {f"layer{s}.*.conv2": Res2Net(26 * 2 ** (s - 1), 4) for s in (1, 2, 3, 4)},
        ),
        32,
    ).params == 25_718_352  # fmt: skip
    for (width, splits), flops in zip(SETTINGS, ("14.8", "16.6", "19.1", "25.1"), strict=True):
        everywhere = NamedNetwork(RESNET50D, (224, 1000), {
            f"layer{stage}.*.conv2": HierarchicalSplit(width * 2 ** (stage - 1), splits)
            for stage in (1, 2, 3, 4)
        })  # fmt: skip
        assert f"{hs_macs(everywhere) / 1e9:.1f}" == flops
        if (width, splits) == (28, 6):
            assert f"{hs_params(everywhere) / 1e6:.1f}" == "53.8"
    for changed, count in ((RESNET20_WITH_5X5, 189_946), (SENET56_WITH_5X5, 588_602)):
        name, slots = changed
        entry = catalogue_entry(name)
        choices = {**entry.architecture.choices, **dict.fromkeys(slots, Multiception((3, 5)))}
        again = NamedNetwork(entry.backbone, entry.data, choices)
        assert multiception_params(again) == count


RESNET20_WITH_5X5 = ("resnet20-multiception-cifar10", ["layer3.0.conv1"])
SENET56_WITH_5X5 = ("senet56-multiception-cifar10", [f"layer3.{i}.conv1" for i in (1, 2, 3)])

SMALL = tuple(
    cell
    for cell in CELLS
    if cell.row in ("ResNeSt50*", "Cifar-10, ResNet-20", "RN-20")
    or (cell.paper, cell.row) == ("MS-SAR", "{1}")
    and "ResNet-56" in cell.cost.column
)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.audit.audit.audit", lambda: audit(SMALL))


def test_audit_measures_our_own_costs() -> None:
    rows = {(row.cell.row, row.cell.cost.column): row for row in audit(SMALL)}
    plain = rows["RN-20", "FLOPs"]
    assert (plain.macs, plain.params) == (40_813_184, 272_474)
    assert plain.ours == pytest.approx(40.813184)
    missing = rows["ResNeSt50*", "#Params(M)"]
    assert (missing.ours, missing.verdict, missing.macs, missing.params) == (
        None, NOT_BUILT, None, None,
    )  # fmt: skip
    saved = rows["Cifar-10, ResNet-20", "Param Diff."]
    assert saved.ours == pytest.approx(100 * (0.1894 / 0.2725 - 1))


def test_command_prints_and_writes(
    few: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    costs.costs(out=tmp_path / "new", csv=None, html=tmp_path / "page.html")
    printed = capsys.readouterr().out
    with (tmp_path / "new" / "costs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(SMALL)
    page = (tmp_path / "page.html").read_text()
    for cell, row in zip(SMALL, rows, strict=True):
        assert (row["row"], row["printed"], row["reason"]) == (
            cell.row,
            cell.cost.digits,
            cell.cost.reason,
        )
        assert cell.row in page and cell.cost.digits in page and cell.row in printed
    assert "src=" not in page and "href=" not in page
    assert page.count("<tr>") == len(SMALL) + 1 + len({c.paper for c in SMALL}) + 1
    assert not list(tmp_path.rglob("*.part"))


def test_frame_has_missing_numbers_where_there_is_no_network() -> None:
    cell = next(cell for cell in CELLS if not cell.cost.networks)
    frame = to_frame(audit([cell]))
    assert frame["macs"].isna().all() and frame["verdict"].tolist() == [NOT_BUILT]


def test_an_unwritable_path_is_refused_before_counting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write .*costs.csv: "):
        costs.costs(out=tmp_path / "file", csv=None, html=None)


@pytest.mark.slow
def test_the_program_ends_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "analysis.costs", "--out", str(tmp_path / "file")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("error: cannot write ")


def test_a_cell_is_counted_by_its_papers_convention() -> None:
    assert {(c.paper, c.cost.quantity) for c in CELLS} == {
        ("CoConv", "macs"), ("CoConv", "params"), ("Multiception", "params"),
        ("Multiception", "saving"), ("MS-SAR", "macs"), ("MS-SAR", "params"),
        ("RS-Net", "macs"), ("RS-Net", "params"), ("HS", "macs"), ("HS", "params"),
    }  # fmt: skip
    five = next(
        c for c in CELLS if c.cost.column == "I-Nets (base)" and c.row.startswith("ResNet18")
    )
    single = replace(five, cost=replace(five.cost, networks=five.cost.networks[:1]))
    assert ours_by_convention(five) == 5 * ours_by_convention(single)


def test_rows_of_one_table_line_share_a_cell() -> None:
    cost = PrintedCost("macs", "1.5G", "FLOPs", ("resnet18-imagenet",))
    row = PrintedRow("CoConv", "Table 9", "line", "imagenet", arm="a", costs=(cost,))
    assert cost_cells([row, replace(row, arm="b")]) == (Cell("CoConv", "9", "line", cost),)
