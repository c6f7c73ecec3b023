"""A simulated search tells its sampler the same as a real search does."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial

from studies.execution import local_backend
from studies.execution.worker import StepReport, WorkItem
from studies.rundir.trial_table import Trial
from studies.search.objectives import TrialPoint
from studies.search.optuna_mirror import OptunaMirror
from studies.tabular.benchmark_table import BenchmarkTable
from studies.tabular.simulated_search import Searcher, SimulatedSearch
from tests.studies.tabular.test_comparison import EPOCHS, SMALL, made_up_table
from tests.support.helpers import record
from tests.support.killing import run_search
from trainers import Epoch, Point, Result

TRIALS = 24


class TableWorker:
    """Reports the curves of the first seed of a table."""

    table: BenchmarkTable

    def __init__(self, item: WorkItem, others: object = None) -> None:
        self.job = item.job
        network = SMALL.index(item.job.architecture)
        accuracies = self.table.validation[0, network].tolist()
        self.curve = [Epoch(i + 1, 0.0, accuracy, 0.0) for i, accuracy in enumerate(accuracies)]
        self.epoch = 0

    def leave(self) -> None:
        """Leave no other process."""

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
def test_the_sampler_is_told_as_in_a_real_search(
    name: str, stop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same order, with paused, promoted and repeated networks."""
    monkeypatch.setattr(TableWorker, "table", made_up_table(), raising=False)
    monkeypatch.setattr(local_backend, "Worker", TableWorker)
    calls: list[tuple[int, str, int]] = []
    tell = OptunaMirror.tell

    def recording(
        self: OptunaMirror, trial: Trial, points: Sequence[TrialPoint], *, paused: bool = False
    ) -> None:
        assert trial.result is not None
        calls.append((trial.number, trial.state, len(trial.result.curve)))
        tell(self, trial, points, paused=paused)

    monkeypatch.setattr(OptunaMirror, "tell", recording)
    searcher = Searcher("x", name, {"startup": 4} if name == "informed" else {}, stop)
    simulated = SimulatedSearch(TableWorker.table, searcher, seed=0)
    simulated.run(TRIALS)
    simulated_calls = calls.copy()
    calls.clear()
    scheduler = run_search(replace(simulated.search, trials=TRIALS), tmp_path)
    assert calls == simulated_calls
    assert {state for _, state, _ in calls} == {"truncated", "finished"}
    numbers = [number for number, _, _ in calls]
    assert (len(numbers) > len(set(numbers))) == (stop != "median"), "some are promoted"
    assert content(scheduler.mirror.trials) == content(simulated.mirror.trials)
    assert content(scheduler.mirror.trials) == content(simulated.mirror.study.trials)


def content(trials: Sequence[FrozenTrial]) -> list[object]:
    return [(t.number, t.state, t.values, t.params, t.user_attrs) for t in trials]
