"""Ray for real: a run that is killed and continued, failures, and what a user sees."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
import ray
from ray.exceptions import ActorDiedError, RayTaskError
from rich.console import Console

from searchspace import InputError
from searchspace.schema import from_json, to_json
from studies.cli.ablation_training import train_missing
from studies.execution import ray_backend
from studies.execution.job_queue import AblationQueue, RunCallbacks
from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.execution.tune_backend import last_words
from studies.execution.worker import Worker, WorkItem
from studies.rundir.store import RunStore
from tests.support.helpers import RECIPE, TASK, job, search, study
from tests.support.killing import run_search
from tests.support.paths import ROOT
from tests.support.trouble import Trouble
from trainers import Digits, Recipe, Result, Task, train
from trainers.recipe_files import with_files
from trainers.tasks import Splits

SEARCH = search(trials=8, sampler="brute_force", recipe=replace(RECIPE, epochs=3))
LONG_SEARCH = replace(SEARCH, recipe=replace(RECIPE, epochs=5000))

DRIVER = """
import sys
from pathlib import Path
from rich.console import Console
from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.cli.running import run_search
from studies.rundir.store import RunStore
from tests.studies.execution import test_ray_backend
asked = getattr(test_ray_backend, sys.argv[2])
with RayBackend(Resources(2)) as backend:
    status = run_search(asked, RunStore(Path(sys.argv[1])), backend, Console())
sys.exit(status)
"""


def drive(folder: Path, asked: str = "SEARCH") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(folder), asked],
        cwd=ROOT,
        # Ours; that of Ray holds sockets, whose names must be short.
        env=os.environ | {"TMPDIR": str(folder.parent), "RAY_TMPDIR": tempfile.gettempdir()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def lines(store: RunStore) -> list[bytes]:
    return store.results.read_bytes().splitlines() if store.results.exists() else []


def wait_for_lines(store: RunStore, count: int, driver: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 180
    while len(lines(store)) < count and driver.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(lines(store)) >= count, driver.communicate(timeout=10)


def test_only_processes_of_ray_are_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the other children of a program that calls us, such as its pool of processes."""
    raylet = subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE)
    mine = subprocess.Popen(["sleep", "60"])
    assert raylet.stdout is not None
    agent = psutil.Process(int(raylet.stdout.readline()))

    class Node:
        all_processes = {"raylet": [SimpleNamespace(process=raylet)], "gone": []}

        def kill_all_processes(self, **settings: bool) -> None:
            raylet.kill()

    monkeypatch.setattr(ray._private.worker, "_global_node", Node())
    try:
        ray_backend._kill_ray()
        assert raylet.wait(10) == -signal.SIGKILL
        psutil.wait_procs([agent], timeout=10)
        assert not agent.is_running() or agent.status() == psutil.STATUS_ZOMBIE
        assert mine.poll() is None
    finally:
        raylet.stdout.close()
        mine.kill()
        mine.wait()


@pytest.mark.slow
def test_a_search_killed_and_interrupted_comes_to_the_uninterrupted_result(tmp_path: Path) -> None:
    """kill -9 after the first job, SIGINT after another: nothing is lost, nothing is twice."""
    run_search(SEARCH, tmp_path / "whole")
    store = RunStore(tmp_path / "run")
    driver = drive(store.folder)
    wait_for_lines(store, 1, driver)
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate(timeout=60)
    kept = lines(store)

    driver = drive(store.folder)
    wait_for_lines(store, len(kept) + 1, driver)
    driver.send_signal(signal.SIGINT)
    output, errors = driver.communicate(timeout=60)
    assert lines(store)[: len(kept)] == kept
    if len(lines(store)) < 8:
        assert driver.returncode == 130
        assert "the same command continues" in output
    assert "Traceback" not in errors

    driver = drive(store.folder)
    output, errors = driver.communicate(timeout=180)
    assert driver.returncode == 0, errors
    assert errors == ""
    assert len(lines(store)) == 8
    assert table(store) == table(RunStore(tmp_path / "whole"))
    # Nothing is left on this machine, though a driver was killed.
    assert list(tmp_path.glob("convfrontier-*/*")) == []


def table(store: RunStore) -> list[object]:
    """Every trial with its network and its result."""
    results = {record.key: comparable(record.result) for record in store.records()}
    return [(trial.number, trial.key, trial.state, results[trial.key]) for trial in store.trials()]


def comparable(result: Result) -> object:
    """A result without the time it took."""
    return to_json(replace(result, seconds=0.0))


@pytest.mark.slow
def test_jobs_in_trouble_fail_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One raises, one hangs, one kills its worker always and one only once; one is well."""
    # Ray's workers give way to all other processes: beside two busy ones the job that is well gets
    # a few percent of a core, and would pass its time limit too.
    monkeypatch.setenv("RAY_worker_niceness", "0")
    store = RunStore(tmp_path / "run")
    kinds = ("none", "raises", "hangs", "dies", "dies once")
    tasks = tuple(Trouble(kind, str(tmp_path / "mark")) for kind in kinds)
    one = replace(study(seeds=1).presets["quick"], arms=study().presets["quick"].arms[:1])
    plan = replace(study(), presets={"quick": one}).ablation("quick", tasks=tasks)
    resources = Resources(workers=2, time_limit=30.0)
    with RayBackend(resources) as backend:
        assert train_missing(plan, store, backend, Console(width=300)) == 1
    ends = {r.job.task.what: r.result for r in store.records() if isinstance(r.job.task, Trouble)}
    assert {kind: ends[kind].status for kind in kinds} == {
        "none": "finished",
        "raises": "failed",
        "hangs": "failed",
        "dies": "failed",
        "dies once": "finished",
    }
    assert ends["raises"].reason == "LookupError: no good"
    assert ends["hangs"].reason == "it ran longer than its time limit of 30 s"
    lost, _, seen = ends["dies"].reason.partition(": ")
    assert (lost, bool(seen)) == ("its worker was lost 3 times", True)
    output = capsys.readouterr().out
    assert "3 of 5 jobs failed" in output
    assert "the same command tries them again" in output


DIES_ONCE = """
import multiprocessing, os, signal
from pathlib import Path

calls = []


def change(images, generator):
    calls.append(len(images))
    further = multiprocessing.parent_process() is not None
    if further and len(calls) == 5 and not Path({mark!r}).exists():
        Path({mark!r}).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return images
"""


@pytest.mark.slow
def test_jobs_of_two_processes_go_on_when_one_is_lost(tmp_path: Path) -> None:
    """Each job has two cores, and the second process of the first dies in its second epoch."""
    (tmp_path / "dies.py").write_text(DIES_ONCE.format(mark=str(tmp_path / "mark")))
    changes = with_files({"augmentation": f"{tmp_path}/dies.py:change"})
    recipe = from_json(Recipe, {**to_json(RECIPE), "sync_norms": True, **changes})
    store = RunStore(tmp_path / "run")
    resources = Resources(workers=1, cpus_per_trial=2, checkpoint_seconds=0.0)
    plan = study(seeds=1, recipe=recipe).ablation("quick")
    with RayBackend(resources) as backend:
        assert train_missing(plan, store, backend, Console(width=300)) == 0
    assert (tmp_path / "mark").exists()
    for record in store.records():
        assert (record.result.status, record.result.processes) == ("finished", 2)
        assert record.environment["processes of a job"] == "2"
        alone = train(replace(record.job, recipe=replace(RECIPE, sync_norms=True)))
        for mine, theirs in zip(record.result.curve, alone.curve, strict=True):
            assert mine.train_loss == pytest.approx(theirs.train_loss, rel=1e-4)


def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    """What its process raised is in the job's reason, and in the run's."""
    trace = "ray::JobTrainable.__init__()\n  File x.py\nImportError: no module named y"
    error = ActorDiedError(RayTaskError("__init__", trace, ImportError("no module named y")))
    plan = study(seeds=1).ablation("quick")
    jobs = {one.key: one for _, one in plan.jobs()}
    store = RunStore(tmp_path)
    with store.locked():
        store.ask(plan, {})
        queue = AblationQueue(
            jobs, dict.fromkeys(jobs, "static"), store, Resources(), RunCallbacks()
        )
        queue.waiting = queue.waiting[:1]
        for _ in range(3):
            item = queue.next_item()
            assert item is not None
            queue.worker_lost(item.job.key, last_words(error))
    assert queue.done
    lost = "its worker was lost 3 times: ImportError: no module named y"
    assert [one.result.reason for one in store.records()] == [lost]
    assert list(queue.failures.values()) == [lost]


def test_a_process_reads_its_data_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Task] = []
    data = TASK.load()

    def load(task: Digits, data_root: Path | None = None) -> Splits:
        read.append(task)
        return data

    monkeypatch.setattr(Digits, "load", load)
    jobs = [job(seed, task=replace(TASK, noise=noise)) for noise in (0.11, 0.12) for seed in (0, 1)]
    for one in jobs:
        assert Worker(WorkItem(one, tmp_path, Resources())).step().failed == ""
    assert read == [jobs[0].task, jobs[2].task]


def test_gpus_that_are_not_there_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_backend, "_start_ray", lambda resources: None)
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True, "Resources": {"CPU": 2.0}}])
    plan = study(seeds=1).ablation("quick")
    resources = Resources(workers=1, gpus_per_trial=1)
    with pytest.raises(InputError, match="--gpus-per-trial 1 cannot be met: there are 0 GPUs"):
        train_missing(plan, RunStore(tmp_path), RayBackend(resources), Console())
    with pytest.raises(InputError, match="a job needs 3 CPU cores, and there are 2"):
        backend = RayBackend(Resources(cpus_per_trial=3))
        train_missing(plan, RunStore(tmp_path), backend, Console())


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere:port"])
def test_a_cluster_that_is_not_there_is_one_sentence(tmp_path: Path, address: str) -> None:
    plan = study(seeds=1).ablation("quick")
    with pytest.raises(InputError, match=f"cannot reach a Ray cluster at '{address}'"):
        train_missing(plan, RunStore(tmp_path), RayBackend(Resources(address=address)), Console())


def test_settings_of_a_cluster_are_plain_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ray job submit` has Ray copy them, which it cannot do with modules."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(ray, "init", lambda **settings: given.update(settings))
    monkeypatch.setattr(ray._private.worker, "print_to_stdstream", None)
    monkeypatch.setattr(ray_backend.os, "environ", dict(os.environ))
    ray_backend._start_ray(Resources(address="auto"))
    folders = json.loads(json.dumps(given["runtime_env"]))["py_modules"]
    assert [Path(each).name for each in folders] == ["searchspace", "studies", "trainers"]
    assert all((Path(each) / "__init__.py").exists() for each in folders)
