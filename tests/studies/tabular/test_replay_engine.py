"""A replay tells its study what the engine tells its own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial

from studies.execution import local_backend
from studies.execution.worker import StepReport, WorkItem
from studies.rundir.trial_log import Trial
from studies.search.objectives import Served
from studies.search.optuna_study import Proposals
from studies.tabular.replay import Replay, Table, Way
from tests.studies.tabular.test_replay import EPOCHS, SMALL, invented
from tests.support.helpers import record
from tests.support.killing import run_here
from trainers import Epoch, Point, Result

TRIALS = 24


class Worker:
    """Reports the curves of a table, from the start; the table's first seed."""

    table: Table

    def __init__(self, item: WorkItem) -> None:
        self.job = item.job
        network = SMALL.index(item.job.architecture)
        seen = self.table.validation[0, network].tolist()
        self.curve = [Epoch(i + 1, 0.0, accuracy, 0.0) for i, accuracy in enumerate(seen)]
        self.epoch = 0

    def step(self) -> StepReport:
        self.epoch += 1
        curve = tuple(self.curve[: self.epoch])
        if self.epoch < EPOCHS:
            so_far = record(self.job, Result("truncated", (), curve, 0.0))
            return StepReport(curve[-1:], so_far=so_far)
        accuracy = curve[-1].validation_accuracy
        points = (Point(8, accuracy, 0.0, accuracy, 450, 450),)
        return StepReport(curve[-1:], record(self.job, Result("finished", points, curve, 0.0)))


@pytest.mark.parametrize(
    ("name", "stop"), [("random", "asha"), ("informed", "mo-asha"), ("random", "median")]
)
def test_its_study_is_told_what_the_engine_tells(
    name: str, stop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same order: waiting, resumed and repeated networks too."""
    monkeypatch.setattr(Worker, "table", invented(), raising=False)
    monkeypatch.setattr(local_backend, "Worker", Worker)
    told: list[tuple[int, str, int]] = []
    tell = Proposals.tell

    def noting(self: Proposals, trial: Trial, points: Sequence[Served], result: Result) -> None:
        told.append((trial.number, trial.state, len(result.curve)))
        tell(self, trial, points, result)

    monkeypatch.setattr(Proposals, "tell", noting)
    way = Way("x", name, {"startup": 4} if name == "informed" else {}, stop)
    replay = Replay(Worker.table, way, seed=0)
    replay.run(TRIALS)
    by_replay = told.copy()
    told.clear()
    agenda = run_here(replace(replay.search, trials=TRIALS), tmp_path)
    assert told == by_replay
    assert {state for _, state, _ in told} == {"truncated", "finished"}
    ends = [number for number, _, _ in told]
    assert (len(ends) > len(set(ends))) == (stop != "median"), "some are resumed"
    assert content(agenda.proposals.trials) == content(replay.proposals.trials)
    assert content(agenda.proposals.trials) == content(replay.proposals.study.trials)


def content(trials: Sequence[FrozenTrial]) -> list[object]:
    return [(t.number, t.state, t.values, t.params, t.user_attrs) for t in trials]
