"""What Ray's own OptunaSearch gets wrong, each as a check that ours passes and it does not."""

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from searchspace import Architecture
from searchspace.space import Limits
from studies.execution import local_backend
from studies.execution.worker import StepReport, WorkItem
from studies.rundir.store import RunStore
from studies.search.warm_start import take_over
from tests.support.helpers import SPACE, made_up, record, search, write_search
from tests.support.killing import run_search
from tests.support.parameters import StoredParameters
from trainers import Epoch
from trainers.job import Status

LIMIT = 15_300
"""MACs; few networks of the space are within."""


class Subject(ABC):
    """A searcher at work on the small space, with accuracy up and MACs down."""

    study: optuna.Study
    trained: list[Architecture]

    @abstractmethod
    def run(self, ends: list[Status], max_macs: int | None = None) -> None:
        """A trial for each end."""

    @abstractmethod
    def start_warm(self) -> int:
        """Begin from four networks trained earlier; how many trials are then known."""


class Ours(Subject):
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        self.trained = []

    def run(self, ends: list[Status], max_macs: int | None = None) -> None:
        subject = self

        class Worker:
            def __init__(self, item: WorkItem, others: object = None) -> None:
                self.item = item
                self.end = ends[len(subject.trained)]
                subject.trained.append(item.job.architecture)

            def leave(self) -> None:
                """Leave no other process."""

            def step(self) -> StepReport:
                job = self.item.job
                if self.end == "truncated":
                    # Worse than any: the scheduler ends it after its first epoch.
                    so_far = record(job, made_up(job, 0.0, "truncated"))
                    return StepReport((Epoch(1, 1.0, 0.0, 1.0),), so_far=so_far)
                epochs = tuple(Epoch(e, 1.0, 0.5, 1.0) for e in (1, 2))
                return StepReport(epochs, record(job, made_up(job, 0.5, self.end)))

        self.monkeypatch.setattr(local_backend, "Worker", Worker)
        early = "truncated" in ends
        asked = search(
            trials=len(ends),
            sampler="random",
            limits=Limits(max_macs=max_macs),
            scheduler="asha" if early else "none",
            scheduler_settings={"factor": 8} if early else {},
        )
        self.study = run_search(asked, self.folder).mirror.study

    def start_warm(self) -> int:
        write_search(self.folder / "earlier")
        asked = search(trials=1)
        store = RunStore(self.folder / "new")
        with store.locked():
            store.ask(asked, {})
            take_over(asked, store, [self.folder / "earlier"])
        scheduler = run_search(asked, self.folder / "new")
        return sum(t.state == TrialState.COMPLETE for t in scheduler.mirror.study.trials[:-1])


class Stock(Subject):
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trained = []

    def _searcher(self, **settings: Any) -> Any:
        from ray.tune.search.optuna import OptunaSearch

        def define(trial: Any) -> None:
            SPACE.suggest(trial)

        return OptunaSearch(
            define,
            metric=["accuracy", "macs"],
            mode=["max", "min"],
            sampler=optuna.samplers.RandomSampler(seed=0),
            **settings,
        )

    def run(self, ends: list[Status], max_macs: int | None = None) -> None:
        searcher = self._searcher()
        for number, end in enumerate(ends):
            name = f"trial{number}"
            network = SPACE.suggest(StoredParameters(searcher.suggest(name)))
            self.trained.append(network)
            metrics = {"accuracy": 0.5, "macs": SPACE.cost(network).macs, "training_iteration": 1}
            if end == "diverged":
                metrics["accuracy"] = math.nan
            if end == "failed":
                del metrics["accuracy"]
            # A scheduler that ends a trial leads to the same call as a trial that ends by itself.
            searcher.on_trial_complete(name, result=metrics)
        self.study = searcher._ot_study

    def start_warm(self) -> int:
        networks = [SPACE.point(i) for i in range(4)]
        points = [
            {d.name: o.label for d, o in SPACE.path(a) if len(d.options) > 1} for a in networks
        ]
        searcher = self._searcher(
            points_to_evaluate=points,
            evaluated_rewards=[(0.5, SPACE.cost(a).macs) for a in networks],
        )
        searcher.suggest("first")
        return len(searcher._ot_study.get_trials(states=[TrialState.COMPLETE]))


def truncated_is_not_complete(subject: Subject) -> None:
    subject.run(["truncated"] * 3)
    assert {trial.state for trial in subject.study.trials} == {TrialState.PRUNED}


def truncated_is_on_no_front(subject: Subject) -> None:
    subject.run(["truncated"] * 3)
    assert subject.study.best_trials == []


def nan_is_a_failure(subject: Subject) -> None:
    subject.run(["finished", "diverged"])
    assert [t.state for t in subject.study.trials] == [TrialState.COMPLETE, TrialState.FAIL]


def a_missing_metric_is_a_failure(subject: Subject) -> None:
    subject.run(["finished", "failed"])
    assert [t.state for t in subject.study.trials] == [TrialState.COMPLETE, TrialState.FAIL]


def nothing_is_trained_twice(subject: Subject) -> None:
    subject.run(["finished"] * 60)
    assert len(subject.trained) == len(set(subject.trained))


def limits_hold_before_training(subject: Subject) -> None:
    subject.run(["finished"] * 8, max_macs=LIMIT)
    assert all(SPACE.cost(network).macs <= LIMIT for network in subject.trained)


def earlier_trials_with_two_objectives_are_known(subject: Subject) -> None:
    assert subject.start_warm() == 4


CHECKS: tuple[Callable[[Subject], None], ...] = (
    truncated_is_not_complete,
    truncated_is_on_no_front,
    nan_is_a_failure,
    a_missing_metric_is_a_failure,
    nothing_is_trained_twice,
    limits_hold_before_training,
    earlier_trials_with_two_objectives_are_known,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_ours_passes(
    check: Callable[[Subject], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(Ours(tmp_path, monkeypatch))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_stock_class_does_not(
    check: Callable[[Subject], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((AssertionError, TypeError, ValueError)):
            check(Stock(tmp_path, monkeypatch))


def test_the_stock_class_shares_its_study_name(tmp_path: Path) -> None:
    """Two experiments on one storage merge; ours have names of their own."""
    from ray.tune.search.optuna import OptunaSearch

    storage = optuna.storages.InMemoryStorage()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            searcher = OptunaSearch(
                lambda trial: None and {}, metric="a", mode="max", storage=storage
            )
            searcher.suggest("trial")
    assert len(storage.get_all_studies()) == 1
    names = set()
    for run in "ab":
        store = RunStore(tmp_path / run)
        with store.locked():
            store.ask(search(), {})
        names.add(store.name())
    assert len(names) == 2
