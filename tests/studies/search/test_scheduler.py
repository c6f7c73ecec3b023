"""Searches in one process; most jobs are not trained but have made-up results."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from searchspace import InputError
from searchspace.schema import to_json
from searchspace.space import Limits
from studies import load
from studies.execution import local_backend
from studies.execution.job_queue import RunCallbacks
from studies.execution.local_backend import LocalBackend
from studies.execution.resources import Resources
from studies.execution.worker import StepReport, WorkItem
from studies.rundir.store import TRIALS, RunStore
from studies.search.journal import JOURNAL
from studies.search.scheduler import SearchScheduler
from studies.search.warm_start import take_over
from studies.spec.search import Search
from tests.support.helpers import SPACE, made_up, record, search, write_search
from tests.support.killing import KILLED_SEARCH, run_search
from tests.support.parameters import StoredParameters
from tests.support.pareto import slow_front
from tests.support.paths import ROOT
from trainers import Epoch, Job, Result, train
from trainers.job import Status

TIMES = ["seconds", "epoch_seconds", "peak_memory", "finished_at"]


class FakeWorker:
    """Gives made-up reports at once; an epoch's accuracy depends on the network and the seed."""

    status: Callable[[Job], Status] = staticmethod(lambda job: "finished")
    trained: list[str] = []

    def __init__(self, item: WorkItem, others: object = None) -> None:
        self.item, self.job = item, item.job
        self.epoch = 0

    def leave(self) -> None:
        """Leave no other process."""

    def step(self) -> StepReport:
        job, status = self.job, type(self).status(self.job)
        self.epoch += 1
        accuracy = 0.3 + int(job.key[:4], 16) / 2**17
        epochs = (Epoch(self.epoch, 1.0, accuracy * self.epoch / 4, 1.0),)
        if self.epoch < job.recipe.epochs:
            so_far = record(job, made_up(job, accuracy, "truncated"))
            return StepReport(epochs, so_far=so_far if self.item.watched else None)
        self.trained.append(job.key)
        if status == "failed":
            return StepReport((), failed="ValueError: no good")
        return StepReport(epochs, record(job, made_up(job, accuracy, status)))


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Jobs are made up, unless a test asks for training."""
    if "training" not in request.fixturenames:
        monkeypatch.setattr(local_backend, "Worker", FakeWorker)
        monkeypatch.setattr(FakeWorker, "trained", [])
    yield


@pytest.fixture
def training() -> None:
    """Jobs are trained."""


def states(scheduler: SearchScheduler) -> list[str]:
    return [trial.state.name for trial in scheduler.mirror.study.trials]


def on_disk(folder: Path) -> optuna.Study:
    """The study as optuna-dashboard opens it."""
    storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    [summary] = optuna.get_all_study_summaries(storage)
    return optuna.load_study(study_name=summary.study_name, storage=storage)


def content(study: optuna.Study) -> list[object]:
    return [(t.number, t.state, t.values, t.params, t.user_attrs) for t in study.trials]


@pytest.mark.slow
@pytest.mark.usefixtures("training")
def test_killed_twenty_times_a_search_ends_as_if_it_were_not(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.killing", str(tmp_path), "20"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    kills, _, ended = done.stdout.partition(" ")
    assert int(kills) == 20
    assert len(set(ended.split(", "))) > 4, "the kills are spread over the search"
    whole, killed = (load(tmp_path / name).drop(columns=TIMES) for name in ("whole", "killed"))
    assert whole.equals(killed)
    assert {"finished", "truncated"} <= set(whole["status"])
    first, second = (RunStore(tmp_path / name).trials() for name in ("whole", "killed"))
    assert first == second
    assert [trial.state for trial in first] == [trial.state for trial in second]
    assert content(on_disk(tmp_path / "whole")) == content(on_disk(tmp_path / "killed"))


@pytest.mark.slow
@pytest.mark.usefixtures("training")
def test_a_trial_that_waited_ends_as_one_that_did_not(tmp_path: Path) -> None:
    """Promoted from its checkpoint, bit for bit what the job gives alone."""
    run_search(KILLED_SEARCH, tmp_path)
    store = RunStore(tmp_path)
    resumed = {event.number for event in store.events() if type(event).__name__ == "Resumed"}
    records = {record.key: record for record in store.records()}
    trial = next(t for t in store.trials() if t.number in resumed and t.state == "finished")
    resumed_result, alone = records[trial.key].result, train(records[trial.key].job)
    assert _untimed(resumed_result) == _untimed(alone)


def _untimed(result: Result) -> object:
    return {**to_json(result), "seconds": 0.0}


def test_every_end_has_its_state_and_none_stays_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[Status] = ["finished", "failed", "diverged", "out_of_memory"]
    given: dict[str, Status] = {}
    monkeypatch.setattr(
        FakeWorker,
        "status",
        staticmethod(lambda job: given.setdefault(job.key, ends[len(given) % 4])),
    )
    scheduler = run_search(search(trials=8, sampler="brute_force"), tmp_path)
    assert states(scheduler) == ["COMPLETE", "FAIL", "FAIL", "FAIL"] * 2
    assert content(on_disk(tmp_path)) == content(scheduler.mirror.study)
    finished = {number: scheduler.mirror.study.trials[number].values for number in (0, 4)}
    signed = [(-accuracy, macs) for accuracy, macs in finished.values()]
    front = {number for row, number in enumerate(finished) if row in slow_front(signed)}
    assert {trial.number for trial in scheduler.mirror.study.best_trials} == front


@pytest.mark.slow
@pytest.mark.parametrize("name", ["asha", "mo-asha", "median"])
def test_truncated_trials_are_pruned_with_their_fidelity(name: str, tmp_path: Path) -> None:
    settings = {"min_trials": 2} if name == "median" else {"factor": 2}
    asked = search(trials=10, scheduler=name, scheduler_settings=settings, sampler="brute_force")
    scheduler = run_search(asked, tmp_path)
    pruned = [t for t in scheduler.mirror.study.trials if t.state == TrialState.PRUNED]
    assert pruned
    assert {t.state for t in scheduler.mirror.study.trials} == {
        TrialState.PRUNED,
        TrialState.COMPLETE,
    }
    front = {t.number for t in scheduler.mirror.study.best_trials}
    for trial in pruned:
        assert trial.values is None
        assert trial.number not in front
        shown = on_disk(tmp_path).trials[trial.number]
        assert shown.state == TrialState.PRUNED
        assert list(shown.intermediate_values) == [trial.user_attrs["epochs"]] == [1]
    frame = load(tmp_path)
    assert frame["validation_accuracy"].isna().sum() == len(pruned)


def test_duplicates_are_answered_and_never_trained_again(tmp_path: Path) -> None:
    small = search(trials=20, sampler="random", limits=Limits(max_macs=15_300))
    distinct = small.within.size()
    scheduler = run_search(small, tmp_path)
    assert states(scheduler) == ["COMPLETE"] * 20
    assert len(FakeWorker.trained) == len(set(FakeWorker.trained)) <= distinct < 20
    networks: dict[str, set[tuple[float, ...]]] = {}
    for trial in scheduler.mirror.study.trials:
        networks.setdefault(trial.user_attrs["job"], set()).add(tuple(trial.values))
    assert len(networks) == len(FakeWorker.trained)


def test_duplicates_may_have_new_seeds(tmp_path: Path) -> None:
    asked = search(trials=20, sampler="random", limits=Limits(max_macs=15_300), duplicates="seed")
    run_search(asked, tmp_path)
    assert len(set(FakeWorker.trained)) == 20
    frame = load(tmp_path)
    for _, runs in frame[frame["size"] == 8].groupby("arm"):
        assert sorted(runs["seed"]) == list(range(len(runs)))


def test_trials_have_the_parameters_of_the_network_that_is_built(tmp_path: Path) -> None:
    """Where an answer would break the limits, the study says what was trained instead."""
    asked = search(trials=12, sampler="tpe", limits=Limits(max_macs=16_000))
    scheduler = run_search(asked, tmp_path)
    assert len(FakeWorker.trained) < SPACE.size()
    for trial, shown in zip(
        RunStore(tmp_path).trials(), scheduler.mirror.study.trials, strict=True
    ):
        assert trial.architecture in asked.within
        assert SPACE.suggest(StoredParameters(shown.params)) == trial.architecture


def test_a_search_is_extended_by_trials_replicates_and_objectives(tmp_path: Path) -> None:
    run_search(search(trials=4, sampler="brute_force"), tmp_path)
    before = RunStore(tmp_path).results.read_bytes()
    more = search(trials=6, sampler="random", replicates=2, objectives=("accuracy", "params"))
    scheduler = run_search(more, tmp_path)
    assert RunStore(tmp_path).results.read_bytes().startswith(before)
    assert len(FakeWorker.trained) == len(set(FakeWorker.trained)) == 12
    trials = RunStore(tmp_path).trials()
    assert [len(trial.jobs) for trial in trials] == [2] * 6
    study = on_disk(tmp_path)
    assert content(study) == content(scheduler.mirror.study)
    for trial, shown in zip(trials, study.trials, strict=True):
        assert shown.values[1] == SPACE.cost(trial.architecture).params
        frame = load(tmp_path)
        accuracies = frame[(frame["trial"] == trial.number) & (frame["size"] == 8)]
        if trial.architecture.resolutions is None:
            assert shown.values[0] == pytest.approx(accuracies["validation_accuracy"].mean())


@pytest.mark.parametrize("damage", ["gone", "torn", "garbage", "behind", "other"])
def test_the_optuna_study_is_made_again_from_the_store(damage: str, tmp_path: Path) -> None:
    asked = search(trials=5, sampler="brute_force")
    undamaged = content(run_search(asked, tmp_path).mirror.study)
    path = tmp_path / JOURNAL
    whole = path.read_bytes()
    damaged = {
        "gone": None,
        "torn": whole + b'{"op_code": 4, ',
        "garbage": b"\x00\xff not a journal\n" + whole,
        "behind": b"".join(whole.splitlines(keepends=True)[:-3]),
        "other": whole.replace(b'"values": [', b'"values": [9.0, 9.0], "x": ['),
    }[damage]
    path.unlink()
    if damaged is not None:
        path.write_bytes(damaged)
    run_search(asked, tmp_path)
    assert content(on_disk(tmp_path)) == undamaged
    assert len(FakeWorker.trained) == 5


def test_studies_have_names_of_their_own(tmp_path: Path) -> None:
    names = set()
    for run in ("a", "b"):
        run_search(search(trials=1), tmp_path / run)
        names.add(on_disk(tmp_path / run).study_name)
    assert len(names) == 2


def test_a_warm_start_takes_over_what_fits_and_trains_none_of_it(tmp_path: Path) -> None:
    """Two objectives, other ones than the earlier search had."""
    write_search(tmp_path / "earlier")
    asked = search(trials=2, sampler="brute_force", objectives=("accuracy", "params", "macs"))
    store = RunStore(tmp_path / "new")
    with store.locked():
        store.ask(asked, {})
        assert take_over(asked, store, [tmp_path / "earlier"]) == 4
        assert take_over(asked, store, [tmp_path / "earlier"]) == 0
    scheduler = run_search(asked, tmp_path / "new")
    trials = RunStore(tmp_path / "new").trials()
    assert [trial.origin for trial in trials] == ["warm start"] * 4 + ["sampler"] * 2
    assert states(scheduler) == ["COMPLETE"] * 6
    assert all(len(t.values) == 3 for t in scheduler.mirror.study.trials)
    assert not set(FakeWorker.trained) & {
        record.key for record in RunStore(tmp_path / "earlier").records()
    }


def test_a_warm_start_from_other_training_is_refused(tmp_path: Path) -> None:
    write_search(tmp_path / "earlier")
    asked = search(recipe=search().recipe.__class__(epochs=3, batch_size=20, lr=0.1))
    store = RunStore(tmp_path / "new")
    with (
        store.locked(),
        pytest.raises(InputError, match="of 5 finished jobs, 0 have its task and recipe"),
    ):
        take_over(asked, store, [tmp_path / "earlier"])


def test_contested_runs_go_to_networks_near_the_front(tmp_path: Path) -> None:
    asked = search(trials=8, sampler="brute_force", contested=5)
    run_search(asked, tmp_path)
    trials = RunStore(tmp_path).trials()
    assert sum(len(trial.jobs) for trial in trials) == 8 + 5
    assert len(set(FakeWorker.trained)) == 13


def test_a_full_disk_ends_the_search_with_a_sentence_and_it_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = search(trials=5)
    run_search(asked, tmp_path / "whole")
    for room in range(1, 12, 3):
        with monkeypatch.context() as patched:
            patched.setattr("studies.rundir.jsonl.os.fsync", _Full(room))
            with pytest.raises(InputError, match="cannot write to .*No space left.*safe"):
                run_search(asked, tmp_path / "full")
    run_search(asked, tmp_path / "full")
    whole, full = (load(tmp_path / name) for name in ("whole", "full"))
    assert whole.equals(full)


class _Full:
    """A disk that has room for so many more writes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def __call__(self, descriptor: int) -> None:
        self.room -= 1
        if self.room < 0:
            raise OSError(28, "No space left on device")


def test_a_point_for_each_size_and_one_for_optuna(tmp_path: Path) -> None:
    """Optuna's study has the point of the largest hypervolume; an attribute has all points."""
    switchable = [a for a in SPACE if a.resolutions is not None]
    asked = search(trials=30, sampler="brute_force")
    scheduler = run_search(asked, tmp_path)
    reference = 1.01 * max(SPACE.cost(architecture).macs for architecture in SPACE)
    several = [t for t in scheduler.mirror.study.trials if "points" in t.user_attrs]
    assert len(switchable) == 32
    assert several
    for trial in several:
        points = trial.user_attrs["points"]
        assert list(points) == ["8", "6"]
        accuracy, macs = max(points.values(), key=lambda point: point[0] * (reference - point[1]))
        assert trial.values == [accuracy, macs]


def test_another_network_than_the_log_says_is_noticed(tmp_path: Path) -> None:
    run_search(search(trials=2), tmp_path)
    path = tmp_path / TRIALS
    path.write_bytes(path.read_bytes().replace(b'"width":', b'"breadth":', 1))
    with pytest.raises(InputError, match=f"{TRIALS} line 1"):
        run_search(search(trials=2), tmp_path)


def test_the_log_is_written_before_a_job_starts(tmp_path: Path) -> None:
    """Whenever it is killed, what was proposed is known."""
    asked: Search = search(trials=4)
    logged = []

    def started(job: Job, name: str) -> None:
        logged.append(any(job.key in trial.jobs for trial in RunStore(tmp_path).trials()))

    run_search(asked, tmp_path, RunCallbacks(started=started))
    assert logged == [True] * len(FakeWorker.trained)


@pytest.mark.parametrize("status", ["finished", "diverged"])
def test_contested_runs_that_no_network_needs_do_not_keep_a_search_open(
    status: Status, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one finished network, or none, no place on the front is uncertain."""
    monkeypatch.setattr(FakeWorker, "status", staticmethod(lambda job: status))
    notes: list[str] = []
    trials = 1 if status == "finished" else 3
    asked = search(trials=trials, contested=2)
    scheduler = run_search(asked, tmp_path, RunCallbacks(note=notes.append))
    assert scheduler.jobs_left() == 0
    assert [note for note in notes if "contested" in note] == [
        "2 of 2 contested runs are not needed: no network has an uncertain place on the front"
    ]
    assert not scheduler.open


@pytest.mark.parametrize("retry_failed", [False, True])
def test_failed_trials_are_tried_again_if_the_machine_failed_or_if_asked(
    retry_failed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = search(trials=2, sampler="brute_force")
    store = RunStore(tmp_path)
    with store.locked():
        store.ask(asked, {})
        scheduler = SearchScheduler(asked, store, Resources(), RunCallbacks())
        for cause in ("data", "job"):
            item = scheduler.next_item()
            assert item is not None
            scheduler.report(item.job.key, StepReport((), failed="no good", cause=cause))
        assert scheduler.next_item() is None
        scheduler.close()
        assert [trial.state for trial in store.trials()] == ["failed", "failed"]
        again = SearchScheduler(
            asked, store, Resources(), RunCallbacks(), retry_failed=retry_failed
        )
        assert again.open
        LocalBackend(Resources()).run(again)
        again.close()
    ended = ["finished", "finished" if retry_failed else "failed"]
    assert [trial.state for trial in store.trials()] == ended
    assert states(again) == ["COMPLETE", "COMPLETE" if retry_failed else "FAIL"]
    assert content(on_disk(tmp_path)) == content(again.mirror.study)


def test_a_duplicate_is_never_answered_with_a_failed_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is trained with a new seed."""
    ends: list[Status] = ["failed", "finished"]
    monkeypatch.setattr(FakeWorker, "status", staticmethod(lambda job: ends[min(job.seed, 1)]))
    asked = search(trials=20, sampler="random", limits=Limits(max_macs=15_300))
    run_search(asked, tmp_path)
    trials = RunStore(tmp_path).trials()
    seen: set[str] = set()
    for trial in trials:
        repeated = trial.architecture.key in seen
        assert trial.state == ("finished" if repeated else "failed")
        seen.add(trial.architecture.key)
    assert 0 < len(seen) < 20
