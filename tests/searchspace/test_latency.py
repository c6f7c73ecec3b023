"""Latencies: measured under stated conditions, kept in a file, looked up and never made up."""

import json
import time

import pytest
import torch
from torch import nn

from searchspace import (
    Architecture,
    CoConv,
    Conditions,
    InputError,
    Latency,
    LatencyTable,
    ResNetCifar,
    latency,
    measure_latency,
)

STATIC = Architecture(ResNetCifar(8, width=2))
DYNAMIC = Architecture(ResNetCifar(8, width=2), {"*": CoConv(2)})


def test_a_measurement_has_a_median_between_its_quartiles() -> None:
    found = measure_latency(STATIC, batch=2, size=8, repeats=5, warmup=1)
    assert 0 < found.low_ms <= found.median_ms <= found.high_ms
    assert found.repeats == 5
    single = measure_latency(STATIC, size=8, repeats=1, warmup=0)
    assert single.low_ms == single.median_ms == single.high_ms


def test_what_is_timed_is_the_network_asked_for(monkeypatch) -> None:
    """In evaluation mode, the warm-up first, in the form, batch and size asked for."""
    seen = []

    class Spy(nn.Module):
        def forward(self, x):
            seen.append((tuple(x.shape), self.training, torch.get_num_threads(), self.form))
            return x

    def made(form):
        network = Spy()
        network.form = form
        return network

    monkeypatch.setattr(latency, "build", lambda *_: made("training"))
    monkeypatch.setattr(latency, "deploy", lambda _: made("deployed").eval())
    before = torch.get_num_threads()
    measure_latency(STATIC, batch=3, threads=2, size=9, repeats=4, warmup=2)
    measure_latency(STATIC, size=8, repeats=2, warmup=0, form="training", in_chs=1)
    assert (
        seen
        == [((3, 3, 9, 9), False, 2, "deployed")] * 6 + [((1, 1, 8, 8), False, 1, "training")] * 2
    )
    assert torch.get_num_threads() == before


def test_the_median_is_of_the_times_taken(monkeypatch) -> None:
    ticks = iter([0.0, 0.004, 1.0, 1.001, 2.0, 2.002, 3.0, 3.003, 4.0, 4.9])
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    found = measure_latency(STATIC, size=8, repeats=5, warmup=0)
    assert found.median_ms == pytest.approx(3)
    assert (found.low_ms, found.high_ms) == (pytest.approx(2), pytest.approx(4))


def test_a_table_measures_once_and_remembers(tmp_path, monkeypatch) -> None:
    calls = []

    def counted(architecture, device, batch, threads, **rest):
        calls.append((architecture.key, batch, rest["form"]))
        return Latency(float(len(calls)), 0.5, 9.0, 3)

    monkeypatch.setattr(latency, "measure_latency", counted)
    path = tmp_path / "latency.json"
    table = LatencyTable.load(path)
    first = table.measure(STATIC, size=8)
    assert table.measure(STATIC, size=8) == first
    table.measure(STATIC, batch=2, size=8)
    table.measure(STATIC, size=8, form="training")
    table.measure(DYNAMIC, size=8)
    assert len(calls) == 4
    again = LatencyTable.load(path)
    assert again.entries == table.entries
    assert again.measure(DYNAMIC, size=8).median_ms == 4 and len(calls) == 4
    conditions = Conditions("cpu", latency.machine_name("cpu"), 1, 1, 8, "deployed")
    assert again.get(STATIC, conditions) == first
    assert [entry.name for entry in tmp_path.iterdir()] == ["latency.json"]


def test_what_was_not_measured_is_not_made_up(tmp_path) -> None:
    table = LatencyTable.load(tmp_path / "none.json")
    with pytest.raises(InputError, match="was not measured as Conditions.*batch=64"):
        table.get(STATIC, Conditions("cpu", "this", 64, 1, 8, "deployed"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "malformed JSON"),
        ("{}", "expected a list of latencies"),
        ('[{"key": "a"}]', r"\[0\]: field 'conditions' is missing"),
        (
            json.dumps([{"key": "a", "conditions": {}, "latency": {"median_ms": "x"}}]),
            r"\[0\].conditions: field 'device' is missing",
        ),
    ],
)
def test_foreign_files_are_answered(tmp_path, text: str, message: str) -> None:
    (tmp_path / "table.json").write_text(text)
    with pytest.raises(InputError, match=f"table.json: .*{message}"):
        LatencyTable.load(tmp_path / "table.json")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "abacus"}, "device must be like cpu or cuda:0, got 'abacus'"),
        ({"batch": 0}, "batch must be a whole number"),
        ({"threads": 0}, "threads must be a whole number"),
        ({"repeats": 0}, "repeats must be a whole number"),
        ({"form": "fused"}, "form must be one of deployed, training"),
    ],
)
def test_bad_settings_are_answered(settings, message: str) -> None:
    with pytest.raises(InputError, match=message):
        measure_latency(STATIC, **settings)


def test_a_missing_graphics_card_is_answered(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="device 'cuda' is not available; cpu is"):
        measure_latency(STATIC, device="cuda")


def test_the_machine_has_a_name() -> None:
    assert latency.machine_name("cpu").strip()
