"""Printed rows: their numbers, the published points made of them, and the rows of all papers."""

import pytest

from searchspace import named, names
from studies.papers.catalog import STUDIES
from studies.papers.printed import PrintedCost, PrintedRow, parse_table, published, renamed
from studies.papers.rows import ROWS


@pytest.mark.parametrize(
    ("figure", "digits", "unit", "value"),
    [
        ("1.822G", "1.822", "G", 1_822_000_000),
        ("40.8M", "40.8", "M", 40_800_000),
        ("11.15Mi", "11.15", "Mi", 11_691_622.4),
        ("-30.30%", "-30.30", "%", -30.3),
    ],
)
def test_a_cost_has_its_printed_digits_and_a_number(
    figure: str, digits: str, unit: str, value: float
) -> None:
    cost = PrintedCost("macs", figure, "FLOPs", ())
    assert (cost.digits, cost.unit, cost.value) == (digits, unit, value)


def test_an_error_becomes_an_accuracy_with_the_printed_digits() -> None:
    row = PrintedRow("MS-SAR", "Table 2", "RN-20", "cifar10", error="8.61")
    assert row.top1 == 91.39
    assert PrintedRow("CoConv", "Table 1", "", "cifar100", accuracy="72.90").top1 == 72.9


def test_rows_without_an_arm_are_not_published() -> None:
    params = PrintedCost("params", "0.27M", "Params", ("resnet20-cifar10",))
    row = PrintedRow(
        "MS-SAR", "Table 2", "RN-20", "cifar10", arm="small none", error="8.61", costs=(params,)
    )
    nameless = PrintedRow("MS-SAR", "Table 1", "ResNet-20", "cifar10")
    (point,) = published((row, nameless))
    assert (point.task, point.arm, point.source) == ("cifar10", "small none", "MS-SAR Table 2")
    assert (point.macs, point.params) == (None, 270_000)
    assert [other.arm for other in renamed((row, nameless), "small ")] == ["none"]


def test_every_row_says_one_accuracy_at_most_and_names_networks_that_exist() -> None:
    catalogue = {"", *names()}
    for row in ROWS:
        assert not (row.accuracy and row.error), row
        assert bool(row.accuracy or row.error) or not row.arm, row
        assert row.accuracy or row.error or row.costs, row
        assert row.network in catalogue, row
        assert {name for cost in row.costs for name in cost.networks} <= catalogue, row


def test_no_accuracy_is_told_twice_of_one_cell() -> None:
    cells = [(r.paper, r.table, r.row, r.dataset, r.arm) for r in ROWS if r.arm]
    assert len(set(cells)) == len(cells)


def test_the_points_of_every_study_are_printed_rows() -> None:
    printed = {
        (f"{row.paper} {row.table}", row.dataset, row.size, row.top1)
        for row in ROWS
        if row.accuracy or row.error
    }
    for study in STUDIES.values():
        for point in study.published:
            assert (point.source, point.task, point.size, point.accuracy) in printed, point


def test_every_named_network_is_printed_somewhere() -> None:
    rows = {row.network for row in ROWS}
    assert set(names()) <= rows | {name for row in ROWS for c in row.costs for name in c.networks}


def test_a_table_typed_as_text_has_cells_for_every_column() -> None:
    assert parse_table("\na | 1.0 | \nb c |  2 | x\n") == [["a", "1.0", ""], ["b c", "2", "x"]]
    with pytest.raises(ValueError, match="as many columns"):
        parse_table("a | 1\nb")


def test_arms_of_paper_designs_are_the_named_networks() -> None:
    """Apart from the input sizes, an arm is the network that its printed row is about."""
    arms = [
        (arm.name, task.kind, arm.architecture)
        for study in STUDIES.values()
        for preset, design in study.presets.items()
        if design.is_paper_protocol
        for task in design.tasks
        for arm in design.arms
    ]
    compared = 0
    for row in (row for row in ROWS if row.arm and row.network):
        network = named(row.network)
        for name, dataset, architecture in arms:
            if (name, dataset) == (row.arm, row.dataset):
                assert architecture.backbone == network.backbone, row
                assert architecture.choices == network.choices, row
                compared += 1
    assert compared > 100
