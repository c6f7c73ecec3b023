"""The benchmarks compare equal things; how fast they are is not tested."""

import json

import torch

from benchmarks import coconv, mssar, multiception, pricing
from benchmarks.timing import paired, show, training_step
from searchspace import ResNetCifar, space


def test_definitions_agree_with_the_operators() -> None:
    """`compare` raises where they do not."""
    assert coconv.training((2, 5, 7, 3), "cpu", 2).ratio > 0
    assert coconv.inference((2, 5, 7, 3), "cpu", 2).ratio > 0
    assert mssar.compare((2, 5, 7), "cpu", 2).ratio > 0
    assert multiception.compare((2, 4, 6, 8, 2, (3, 5)), "cpu", 2).ratio > 0


def test_both_ways_of_pricing_agree() -> None:
    tiny = space("mssar", ResNetCifar(8, width=4))
    assert all(rate > 0 for rate in pricing.compare(tiny, "training", rows=50, count=2).values())


def test_calls_are_made_in_turn_and_summarised() -> None:
    calls: list[str] = []
    pair = paired(lambda: calls.append("slow"), lambda: calls.append("fast"), repeats=3)
    assert calls == ["slow", "slow", "fast", "fast"] * 3
    assert pair.low <= pair.ratio <= pair.high


def test_rows_are_written_as_json_lines(tmp_path) -> None:
    pair = paired(lambda: None, lambda: None, repeats=2)
    for title in ("a", "b"):
        show(title, [("x", pair), ("y", pair)], tmp_path / "rows.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [(row["benchmark"], row["case"]) for row in rows] == [
        ("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"),
    ]  # fmt: skip
    assert rows[0]["ratio"] == pair.ratio


def test_a_step_reaches_inputs_and_parameters() -> None:
    layer = torch.nn.Linear(3, 2)
    inputs, weight, bias = training_step(layer, torch.randn(4, 3))()
    assert (inputs.shape, weight.shape, bias.shape) == ((4, 3), (2, 3), (2,))
