"""Latencies of a run: by a program of the user's, each network once, failures in a sentence."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import onnxruntime
import pytest
import torch
from rich.console import Console

from analysis.selection.candidates import Bounds
from analysis.selection.choose import choose
from analysis.selection.sentences import sentences
from searchspace import Architecture, CoConv, InputError, ResNetCifar, Resolutions
from studies import load
from studies.cli.ablation_training import measure_latencies
from studies.execution import local_backend
from studies.execution.job_queue import RunCallbacks
from studies.execution.resources import Resources
from studies.rundir import latencies
from studies.rundir.latencies import Bench, measured, run_program
from studies.rundir.store import RunStore
from studies.search.scheduler import SearchScheduler
from studies.spec.latency import LatencyMethod
from studies.spec.search import Search
from studies.spec.search_file import build_search
from studies.spec.study_file import read_study
from tests.studies.search.test_scheduler import FakeWorker
from tests.support.helpers import TASK, search
from tests.support.killing import run_search
from trainers.export.untrained import write_untrained_onnx

NETWORK = Architecture(
    ResNetCifar(8, width=2),
    {"layer1.*": CoConv(experts=2)},
    resolutions=Resolutions((8, 6), distillation="none"),
)
MakeProgram = Callable[[str], str]


@pytest.fixture
def program(tmp_path: Path) -> MakeProgram:
    """Makes an executable shell script of some lines; the name of each file it gets is logged."""

    def make(lines: str) -> str:
        path = tmp_path / "measure.sh"
        path.write_text(f'#!/bin/sh\nbasename -- "$1" >> {tmp_path}/calls\n{lines}\n')
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def no_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are empty: an export takes seconds."""

    def write(architecture: object, task: object, size: int, path: Path) -> None:
        path.touch()

    monkeypatch.setattr(latencies, "write_untrained_onnx", write)
    monkeypatch.setattr(local_backend, "Worker", FakeWorker)
    monkeypatch.setattr(FakeWorker, "trained", [])


def calls(folder: Path) -> list[str]:
    path = folder / "calls"
    return path.read_text().splitlines() if path.exists() else []


def by(command: str, **settings: object) -> Search:
    method = LatencyMethod(command=command)
    return search(
        objectives=("accuracy", "latency"),
        latency_method=method,
        sampler="brute_force",
        **settings,
    )


def test_a_program_gets_each_size_once(tmp_path: Path, program: MakeProgram, no_onnx: None) -> None:
    command = program('test "$1" = --fast && test -f "$2" && echo 3; echo 1 8; echo "$2" >&2')
    method = LatencyMethod(command=f"{command} --fast")
    bench = Bench(tmp_path / "latency.json", TASK, method)
    found = bench.measured(NETWORK)
    assert found == {(NETWORK.key, 8): 3.0, (NETWORK.key, 6): 3.0}
    entries = json.loads((tmp_path / "latency.json").read_text())
    assert {tuple(entry["latency"].values()) for entry in entries} == {(3.0, 2.0, 5.5, 3)}
    # Once more, also by another process, it is looked up.
    assert Bench(tmp_path / "latency.json", TASK, method).measured(NETWORK) == found
    assert calls(tmp_path) == ["--fast", "--fast"]


def test_the_file_is_the_deployed_network_at_its_size(tmp_path: Path) -> None:
    write_untrained_onnx(NETWORK, TASK, 6, tmp_path / "six.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "six.onnx")
    assert session.get_inputs()[0].shape == ["batch", TASK.in_chs, 6, 6]
    images = torch.zeros(3, TASK.in_chs, 6, 6).numpy()
    assert session.run(None, {"images": images})[0].shape == (3, TASK.classes)


BAD = {
    "no number": ("echo fast", "must print milliseconds above 0, got 'fast'"),
    "nothing": ("true", "must print milliseconds above 0, got ''"),
    "zero": ("echo 0", "must print milliseconds above 0, got '0'"),
    "not finite": ("echo nan", "must print milliseconds above 0, got 'nan'"),
    "status": ("echo 5; echo phone is gone >&2; exit 3", "ended with status 3: phone is gone"),
    "signal": ("kill -9 $$", "was ended by signal 9"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_program_that_does_not_measure_is_one_sentence(case: str, program: MakeProgram) -> None:
    lines, message = BAD[case]
    command = program(lines)
    with pytest.raises(InputError, match="measure.sh") as error:
        run_program([command, "x.onnx"], 10.0)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_program_that_takes_too_long_ends_with_what_it_started(
    tmp_path: Path, program: MakeProgram
) -> None:
    command = program(f"sleep 60 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(InputError, match=r"took longer than its 0.5 s"):
        run_program([command, "x.onnx"], 0.5)
    child = Path("/proc", (tmp_path / "child").read_text().strip())
    state = (child / "stat").read_text().split()[2] if child.exists() else "Z"
    assert state in "ZX"


def test_methods_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for settings, message in (
        ({"command": ""}, "command must name a program"),
        ({"command": "'a"}, "cannot be read: No closing quotation"),
        ({"command": "a", "batch": 8}, "a command decides on batch, precision and threads"),
        ({"precision": "int8"}, "got 'int8'"),
        ({"time_limit": 0}, "time_limit"),
    ):
        with pytest.raises(InputError, match=message):
            LatencyMethod(**settings)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no program '/none/such' here"):
        LatencyMethod(command="/none/such").check_program()
    with pytest.raises(InputError, match="measured by this process, which has no GPU"):
        Bench(tmp_path / "latency.json", TASK, LatencyMethod(), "cuda")


def test_files_of_searches_and_studies_say_how(tmp_path: Path, program: MakeProgram) -> None:
    program("echo 1")
    space = {"backbone": {"kind": "resnet_cifar", "depth": 8}, "rules": [], "input_size": 8}
    fields: dict[str, object] = {"space": space, "objectives": ["accuracy", "latency"]}
    fields |= {"latency": {"command": "./measure.sh --fast"}}
    made = build_search(fields, "s.yaml", tmp_path).search
    assert made.latency_method == LatencyMethod(command=f"{tmp_path}/measure.sh --fast")
    assert Search.from_json(made.to_json()) == made
    for change, message in (
        ({"objectives": ["accuracy"]}, "which is no objective"),
        ({"latency": "fast"}, r"latency: expected true or an object .* got 'fast'"),
        ({"latency": {"speed": 1}}, "latency: unknown field 'speed'"),
    ):
        with pytest.raises(InputError, match=message):
            build_search({**fields, **change}, "s.yaml", tmp_path)
    study = {"backbone": {"kind": "resnet_cifar", "depth": 8}, "arms": {"a": {}}, "task": "digits"}
    for value, method in (
        (True, LatencyMethod()),
        ({"batch": 8}, LatencyMethod(batch=8)),
        ({"command": "./measure.sh"}, LatencyMethod(command=f"{tmp_path}/measure.sh")),
    ):
        (tmp_path / "study.json").write_text(json.dumps({**study, "latency": value}))
        design = read_study(tmp_path / "study.json").study.presets["custom"]
        assert (design.latency, design.latency_method) == (True, method)


def test_a_search_measures_each_network_once_and_says_where(
    tmp_path: Path, program: MakeProgram, no_onnx: None
) -> None:
    command = program(f"echo $(wc -l < {tmp_path}/calls)")
    asked = by(command, trials=3, replicates=2)
    scheduler = run_search(asked, tmp_path / "run")
    frame = load(tmp_path / "run")
    assert len(calls(tmp_path)) == len(set(calls(tmp_path))) == frame["latency_ms"].nunique()
    values = {trial.values[1] for trial in scheduler.mirror.study.trials}
    assert values <= set(frame[frame["trained"]]["latency_ms"])
    before = calls(tmp_path)
    run_search(by(command, trials=4, replicates=2), tmp_path / "run")
    assert calls(tmp_path)[: len(before)] == before
    assert len(set(calls(tmp_path))) == len(calls(tmp_path)) > len(before)
    chosen = choose(load(tmp_path / "run"), Bounds(latency_ms=2), "accuracy")
    text = " ".join(sentences(chosen))
    assert f"Its latency: measured by {command}." in text
    assert f"{chosen.chosen.latency_ms:g} ms" in text


def test_a_network_that_cannot_be_measured_is_a_failed_trial(
    tmp_path: Path, program: MakeProgram, no_onnx: None
) -> None:
    command = program(f"test $(wc -l < {tmp_path}/calls) -eq 3 && exit 4; echo 1")
    scheduler = run_search(by(command, trials=4), tmp_path / "run")
    failed = [trial for trial in scheduler.table if trial.state == "failed"]
    assert len(failed) == 1
    record = next(r for r in RunStore(tmp_path / "run").records() if r.result.status == "failed")
    assert record.result.reason == (
        f"its latency could not be measured: {command} ended with status 4"
    )
    assert record.cause == "job"
    assert record.key not in FakeWorker.trained
    assert [trial.state.name for trial in scheduler.mirror.study.trials].count("FAIL") == 1
    # It stays a failure: the same command does not measure it again.
    run_search(by(command, trials=4), tmp_path / "run")
    assert len(calls(tmp_path)) == len(set(calls(tmp_path)))


def test_a_program_that_has_never_worked_stops_the_search(
    tmp_path: Path, program: MakeProgram, no_onnx: None
) -> None:
    asked = by(program("echo no phone >&2; exit 1"), trials=6)
    with pytest.raises(InputError, match="no phone.*so 3 jobs failed, and the run was stopped"):
        run_search(asked, tmp_path / "run")
    assert FakeWorker.trained == []
    command = program("echo 2")
    scheduler = run_search(by(command, trials=6), tmp_path / "run")
    assert {trial.state for trial in scheduler.table} == {"finished"}


def test_trials_for_all_slots_are_measured_before_any_job_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    def measure(architecture: Architecture, *arguments: object, **settings: object) -> object:
        events.append("measured")
        return latencies.summarised([1.0])

    monkeypatch.setattr(latencies, "measure_latency", measure)
    asked = search(trials=5, sampler="brute_force", objectives=("accuracy", "latency"))
    store = RunStore(tmp_path)
    with store.locked():
        store.ask(asked, {})
        scheduler = SearchScheduler(asked, store, Resources(), RunCallbacks())
        scheduler.slots = 3
        items = [scheduler.next_item() for _ in range(4)]
        assert [item is None for item in items] == [False, False, False, True]
        assert scheduler.bench is not None
        networks = {item.job.architecture.key for item in items if item}
        assert (len(networks), len(events)) == (3, len(scheduler.bench.table.entries))
        scheduler.close()


def test_arms_without_a_latency_are_told_and_the_study_goes_on(
    tmp_path: Path, program: MakeProgram, no_onnx: None
) -> None:
    program(f"test $(wc -l < {tmp_path}/calls) -eq 1 && exit 4; echo 7")
    study = {"backbone": {"kind": "resnet_cifar", "depth": 8}, "task": "digits",
             "arms": {"a": {}, "b": {"*": {"kind": "coconv", "experts": 2}}},
             "latency": {"command": "./measure.sh"}}  # fmt: skip
    (tmp_path / "study.json").write_text(json.dumps(study))
    ablation = read_study(tmp_path / "study.json").study.ablation("custom")
    store = RunStore(tmp_path / "run")
    with store.locked():
        store.ask(ablation, {})
        said = StringIO()
        measure_latencies(ablation, store, "cpu", Console(file=said, width=200))
    assert "a: its latency could not be measured" in said.getvalue()
    found = measured(store.latencies, ablation.design.latency_method)
    assert [milliseconds for milliseconds, _ in found.values()] == [7.0]
    assert measured(store.latencies, LatencyMethod()) == {}
