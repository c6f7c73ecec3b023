"""The benchmarks compare equal things; how fast they are is not tested."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import (
    coconv,
    decoding,
    epochs,
    input_pipeline,
    mssar,
    multiception,
    networks,
    pricing,
    proposals,
    switchable,
)
from benchmarks.gpu import __main__ as gpu_command
from benchmarks.gpu import card
from benchmarks.gpu.rows import Row, Rows, Settings
from benchmarks.timing import paired, show, training_step
from searchspace import Architecture, ResNetCifar, build, named_space
from tests.support.paths import ROOT
from trainers import Job, Training


def test_definitions_agree_with_the_operators() -> None:
    """`compare` raises where they do not."""
    assert coconv.training((2, 5, 7, 3), "cpu", 2).ratio > 0
    assert coconv.inference((2, 5, 7, 3), "cpu", 2).ratio > 0
    assert mssar.compare((2, 5, 7), "cpu", 2).ratio > 0
    assert multiception.compare((2, 4, 6, 8, 2, (3, 5)), "cpu", 2).ratio > 0


def test_decoders_read_the_same_crops(tmp_path: Path) -> None:
    paths = decoding.write_files(tmp_path, 3, 96, 64)
    runs = decoding.decoders(paths, 8)
    assert [image.shape for run in runs.values() for image in run()] == 3 * len(runs) * [(3, 8, 8)]
    rates = {rate.name: rate for rate in decoding.compared(runs, 3, 1)}
    assert rates["torchvision.io, Pillow"].difference < 0.5
    assert rates["Pillow, draft to twice"].difference < 3
    assert rates["torchvision.io"].difference < 10
    assert all(rate.images_s > 0 for rate in rates.values())


def test_both_ways_of_pricing_agree() -> None:
    tiny = named_space("mssar", ResNetCifar(8, width=4))
    assert all(rate > 0 for rate in pricing.compare(tiny, "training", rows=50, count=2).values())


def test_proposals_are_timed_and_a_search_goes_on(tmp_path: Path) -> None:
    search = proposals.asked_search("random", 6, depth=8)
    assert all(ours > 0 < own for ours, own in proposals.grow(search, tmp_path, [3, 6]))
    assert proposals.continued(search, tmp_path) > 0


def test_switchable_steps_agree_with_the_list_of_inputs() -> None:
    for distillation in ("none", "higher", "vanilla", "full"):
        step = switchable.Step(distillation, images=4, sizes=(8, 6, 4), depth=8)
        slow, fast = switchable.switchable_steps(step, "cpu")
        torch.testing.assert_close(slow(), fast(), rtol=1e-4, atol=1e-4)
    assert switchable.bound(step, "cpu", 2).ratio > 0


TINY = Architecture(ResNetCifar(8, width=2))


def test_epochs_are_timed_with_all_settings_on_the_same_images() -> None:
    for recipe in epochs.settings("cpu", compiled=False).values():
        assert epochs.epochs(TINY, recipe, "cpu", 2, 20).ratio > 0
    assert epochs.epochs(TINY, epochs.LOWER, "cpu", 2, 20, tuned=True).ratio > 0


def test_the_tuned_loop_trains_in_lower_precision() -> None:
    """Its loss starts where chance is, as ours, and falls as ours: both learn the labels."""
    torch.manual_seed(0)
    recipe = replace(epochs.LOWER, batch_size=8, lr=0.05)
    training = Training(
        Job(Architecture(ResNetCifar(8, width=4)), epochs.CifarShaped(24), recipe, 0)
    )
    by_hand = epochs.tuned_epoch(training)
    tuned = [by_hand().item() for _ in range(40)]
    ours = [training.epoch().train_loss for _ in range(40)]
    for losses in (tuned, ours):
        assert losses[0] == pytest.approx(2.3, abs=0.3)
        assert sum(losses[-5:]) / 5 < 1.5


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


def test_both_input_pipelines_draw_from_the_same_crops() -> None:
    """All results of either are among the 162 that are possible, and none of them is rare."""
    split = input_pipeline.stored(1)
    padded = input_pipeline.MEAN[:, None, None].repeat(1, 40, 40)
    padded[:, 4:36, 4:36] = split.images[0]
    scaled = (padded - input_pipeline.MEAN[:, None, None]) / input_pipeline.STD[:, None, None]
    crops = [scaled[:, i : i + 32, j : j + 32] for i in range(9) for j in range(9)]
    possible = torch.stack([*crops, *(crop.flip(2) for crop in crops)]).flatten(1)
    order = torch.zeros(900, dtype=torch.long)
    batches = input_pipeline.ours(split, order, torch.Generator().manual_seed(0))
    found = {"ours": torch.cat(list(batches))}
    for api, transform in input_pipeline.APIS.items():
        images = input_pipeline.PilImages(split, transform)
        found[api] = torch.stack([images[0][0] for _ in range(900)])
    for name, results in found.items():
        distance, nearest = torch.cdist(results.flatten(1), possible).min(1)
        assert distance.max() < 0.1, name
        # Each is expected 5.6 times.
        assert len(nearest.unique()) > 150, name


def test_input_pipelines_are_timed_on_the_same_number_of_images() -> None:
    assert input_pipeline.compare("transforms.v2", 0, 64, "cpu", 2).ratio > 0


def test_whole_networks_agree_with_their_plain_layers() -> None:
    x = torch.randn(4, 3, 8, 8)
    for choices in networks.CHOICES.values():
        network = build(Architecture(ResNetCifar(8, width=4), choices))
        assert networks.compare(network, x, 2, channels_last=True).ratio > 0
        kinds = {type(module) for module in networks.plain(network).modules()}
        assert not kinds & set(networks.PLAIN)
        assert networks.convolutions_alone(network, x, 2, channels_last=True).ratio > 0


@pytest.mark.slow
def test_the_command_for_a_gpu_runs_on_a_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every part gives a row or says why not; what needs a GPU or other packages is left out."""
    monkeypatch.setattr(gpu_command, "find_spec", lambda name: None)
    out = tmp_path / "gpu.json"
    assert gpu_command.main(["--device", "cpu", "--tiny", "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    assert report["machine"]["torch"] == torch.__version__
    rows = report["rows"]
    assert {row["part"] for row in rows} == set(gpu_command.parts())
    without = {row["part"] for row in rows if row["value"] is None and row["note"]}
    assert without == {"equality", "epoch", "engine"}
    assert rows[-1]["note"] == "left out: it needs ray, optuna, fvcore"
    assert not [row for row in rows if row["ok"] is False]
    assert capsys.readouterr().out.count("\n") == len(rows) + 1


def test_a_part_that_fails_or_has_no_time_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(settings: Settings) -> Rows:
        yield Row("a", "first", 1.0)
        raise ValueError("no such kernel\nmore")

    parts = {"a": broken, "latency": card.latency}
    monkeypatch.setattr(gpu_command, "parts", lambda: parts)
    settings = Settings("cpu", size="tiny")
    first, second, *_ = gpu_command.run(settings)
    assert (first.value, second.note) == (1.0, "ValueError: no such kernel")
    over = gpu_command.run(Settings("cpu", deadline=0.0, size="tiny"))
    assert [row.note for row in over] == ["left out: no time"] * 2


def test_the_command_for_a_gpu_needs_torch_alone(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('ray', 'optuna', 'fvcore', 'typer', 'rich', 'sklearn', 'torchvision',\n"
        "             'pandas', 'yaml', 'scipy'):\n"
        "    sys.modules[name] = None\n"
        "from benchmarks.gpu.__main__ import main\n"
        f"sys.exit(main(['--device', 'cpu', '--tiny', '--part', 'layers', '--part', 'engine',\n"
        f"               '--out', {str(tmp_path / 'gpu.json')!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "left out: it needs" in done.stdout
