"""Weights that a run keeps: those of its front's networks."""

import os
from itertools import product
from pathlib import Path

import pytest
from safetensors.torch import load_file

from searchspace import Architecture, CoConv, InputError, ResNetCifar, build
from searchspace.errors import StorageError
from studies.execution.job_queue import AblationQueue, RunCallbacks
from studies.execution.kept_weights import KeptWeights
from studies.execution.local_backend import LocalBackend
from studies.execution.resources import KeepWeights, Resources
from studies.execution.worker import Worker, WorkItem
from studies.rundir.store import RunStore
from studies.rundir.tuning import TUNING_SEED
from studies.spec.ablation import costs
from tests.support.helpers import job, made_up, record, study
from trainers import Job


def asked(folder: Path) -> RunStore:
    store = RunStore(folder)
    with store.locked():
        store.ask(study().ablation("quick"), {})
    return store


def networks() -> list[Architecture]:
    """Networks of growing cost."""
    made = [Architecture(ResNetCifar(8, width=width)) for width in (2, 3, 4, 5)]
    return [*made, Architecture(ResNetCifar(8, width=5), {"*": CoConv(2)})]


def finish(kept: KeptWeights, job: Job, accuracy: float) -> None:
    """A job that ends in no time, with weights."""
    kept.store.weights.mkdir(exist_ok=True)
    kept.store.weights_of(job.key).write_bytes(b"weights")
    ended = record(job, made_up(job, accuracy))
    kept.store.append(ended)
    kept.job_finished(ended)


def present(store: RunStore) -> set[str]:
    return {path.stem for path in store.weights.glob("*.safetensors")}


ACCURACIES = {
    "each better": ((0.5, 0.6, 0.7, 0.8, 0.9), (0, 1, 2, 3, 4)),
    "each worse": ((0.9, 0.8, 0.7, 0.6, 0.5), (0,)),
    "one good": ((0.5, 0.6, 0.9, 0.8, 0.8), (0, 1, 2)),
    "equals": ((0.5, 0.5, 0.5, 0.5, 0.5), (0,)),
}


@pytest.mark.parametrize(("case", "backwards"), [*product(ACCURACIES, (False, True))])
def test_the_front_keeps_its_weights(case: str, backwards: bool, tmp_path: Path) -> None:
    accuracies, front = ACCURACIES[case]
    jobs = [job(architecture=network) for network in networks()]
    assert all(costs(a.architecture, a.task)[0].macs < costs(b.architecture, b.task)[0].macs
               for a, b in zip(jobs, jobs[1:], strict=False))  # fmt: skip
    store = asked(tmp_path)
    kept = KeptWeights(store, "front")
    order = list(zip(jobs, accuracies, strict=True))
    with store.locked():
        for number, (one, accuracy) in enumerate(order[::-1] if backwards else order):
            if number == 3:
                # As after an interruption.
                kept = KeptWeights(store, "front")
            finish(kept, one, accuracy)
    assert present(store) == {jobs[i].key for i in front}


def test_means_over_seeds_decide_and_tuning_keeps_nothing(tmp_path: Path) -> None:
    cheap, dear = networks()[0], networks()[3]
    store = asked(tmp_path)
    kept = KeptWeights(store, "front")
    with store.locked():
        finish(kept, job(architecture=cheap), 0.6)
        finish(kept, job(architecture=dear), 0.7)
        assert len(present(store)) == 2
        finish(kept, job(TUNING_SEED, architecture=cheap), 0.9)
        assert len(present(store)) == 2
        # A mean of 0.55 is below the cheaper network's.
        finish(kept, job(1, architecture=dear), 0.4)
        assert present(store) == {job(architecture=cheap).key}
        finish(kept, job(2, architecture=dear), 0.9)
        assert present(store) == {job(architecture=cheap).key, job(2, architecture=dear).key}
        # What a killed worker left.
        store.weights_of("orphan").write_bytes(b"")
        finish(KeptWeights(store, "front"), job(1, architecture=cheap), 0.6)
    assert "orphan" not in present(store) and len(present(store)) == 3


@pytest.mark.parametrize(("keep", "count"), [("front", None), ("all", 2), ("none", 0)])
def test_a_run_keeps_what_was_asked(keep: KeepWeights, count: int | None, tmp_path: Path) -> None:
    jobs = {made.key: made for made in (job(0), job(1, architecture=networks()[4]))}
    store = asked(tmp_path)
    resources = Resources(keep_weights=keep)
    with store.locked():
        queue = AblationQueue(jobs, dict.fromkeys(jobs, "x"), store, resources, RunCallbacks())
        LocalBackend(resources).run(queue)
    if count is not None:
        assert len(present(store)) == count
    else:
        assert present(store) and present(store) <= set(jobs)
    for key in present(store):
        network = build(jobs[key].architecture, jobs[key].task.classes, jobs[key].task.in_chs)
        network.load_state_dict(load_file(store.weights_of(key)))


def test_no_room_for_weights_is_the_machines_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    item = WorkItem(job(), tmp_path / "checkpoints", Resources(), weights=tmp_path / "file" / "w")
    worker = Worker(item)
    while not (report := worker.step()).failed:
        assert report.record is None
    assert report.cause == "disk"
    assert "finished jobs are safe" in report.failed
    assert StorageError.__mro__[1] is InputError
    assert not os.path.exists(tmp_path / "file" / "w")


def test_other_values_are_refused() -> None:
    with pytest.raises(InputError, match="keep_weights must be one of front, all, none, got 'x'"):
        Resources(keep_weights="x")  # type: ignore[arg-type]
