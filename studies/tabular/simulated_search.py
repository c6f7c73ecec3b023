"""Searches on a tabular benchmark: the table answers instead of a training.

A search sees the validation accuracies of one seed of the table. The front that it selects is
scored by test accuracies over all seeds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studies.rundir.trial_log import Proposed
from studies.rundir.trial_table import Trial, TrialTable
from studies.search.early_stopping import early_stopping
from studies.search.objectives import TrialPoint
from studies.search.optuna_mirror import OptunaMirror
from studies.spec.search import Objective, Search
from studies.tabular.benchmark_table import BenchmarkTable
from trainers import Digits, Epoch, Recipe, Result
from trainers.job import Status

OBJECTIVES: tuple[Objective, ...] = "accuracy", "macs"


@dataclass(frozen=True)
class Searcher:
    """A named combination of a sampler and an early stopping scheduler, with their settings."""

    name: str
    sampler: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    scheduler: str = "none"
    scheduler_settings: Mapping[str, Any] = field(default_factory=dict)

    def search(self, table: BenchmarkTable, seed: int) -> Search:
        """The search that is simulated; of its task and recipe only the epochs are used."""
        return Search(
            self.name,
            table.space,
            Digits(),
            Recipe(epochs=table.epochs, batch_size=1, lr=1.0),
            trials=1,
            objectives=OBJECTIVES,
            sampler=self.sampler,
            sampler_settings=self.settings,
            scheduler=self.scheduler,
            scheduler_settings=self.scheduler_settings,
            seed=seed,
        )


@dataclass(frozen=True)
class SearchScore:
    """The score of a search after so many trials and trained epochs in all.

    `trials` counts repeated proposals too, which cost no epochs. `nadir` is the score up to the
    worst of the true front instead of the worst of all networks.
    """

    trials: int
    epochs: int
    score: float
    nadir: float = 0.0


class SimulatedSearch:
    """One search on a table, which sees the validation accuracies of one seed.

    The sampler is told of the same trials in the same order as in a real search with one worker,
    paused and stopped trials included. A repeated network costs no epochs.
    """

    def __init__(self, table: BenchmarkTable, searcher: Searcher, seed: int) -> None:
        self.benchmark, self.seed = table, seed
        self.search = searcher.search(table, seed)
        self.mirror = OptunaMirror(self.search, self.search.name)
        self.stopper = early_stopping(searcher.scheduler, searcher.scheduler_settings).start(
            table.epochs
        )
        self.curves = table.validation[seed % len(table.validation)]
        self.trials = TrialTable()
        self.epochs_of: dict[int, int] = {}
        """Epochs trained so far, by network."""

    @property
    def epochs(self) -> int:
        """Epochs trained so far in all."""
        return sum(self.epochs_of.values())

    @property
    def finished(self) -> list[int]:
        """The networks that are fully trained."""
        full = self.benchmark.epochs
        return [network for network, epochs in self.epochs_of.items() if epochs == full]

    def run(self, trials: int, epochs: int | None = None) -> list[SearchScore]:
        """Search until all `trials` have ended, or so many epochs are trained; all scores."""
        scores: list[SearchScore] = []
        while epochs is None or self.epochs < epochs:
            promoted = self.stopper.promote()
            if promoted is not None:
                self._train(self.trials[int(promoted)])
            elif len(self.trials) < trials:
                self._propose()
            else:
                break
            front = self.benchmark.selected(self.finished, self.seed)
            worst, nadir = self.benchmark.score(front), self.benchmark.score(front, "nadir")
            scores.append(SearchScore(len(self.trials), self.epochs, worst, nadir))
        return scores

    def _propose(self) -> None:
        architecture, attributes = self.mirror.ask()
        number = len(self.trials)
        key = self.search.job(architecture, self.seed).key
        self.trials.add(Proposed(number, architecture, "sampler", key, self.seed, attributes))
        trial = self.trials[number]
        self.mirror.add(trial)
        if trial.result is not None:
            self._tell(trial)
        else:
            self._train(trial)

    def _train(self, trial: Trial) -> None:
        """Train until the scheduler pauses or stops the trial, or to the end; tell the sampler."""
        network = self._network(trial)
        macs, decision = float(self.benchmark.macs[network]), "continue"
        while decision == "continue" and self.epochs_of.get(network, 0) < self.benchmark.epochs:
            epoch = self.epochs_of[network] = self.epochs_of.get(network, 0) + 1
            error = 1 - float(self.curves[network, epoch - 1])
            decision = self.stopper.report(str(trial.number), epoch, [(error, macs)])
        self.trials.results[trial.key] = self._result(network)
        for each in self.trials.of_job(trial.key):
            self._tell(each)

    def _tell(self, trial: Trial) -> None:
        """Tell the sampler how a trial ended, or that it is paused."""
        points = []
        if trial.state == "finished" and trial.result is not None:
            accuracy = trial.result.curve[-1].validation_accuracy
            values = accuracy, float(self.benchmark.macs[self._network(trial)])
            points = [TrialPoint(self.search.task.input_size, values)]
        self.mirror.tell(trial, points)

    def _result(self, network: int) -> Result:
        epochs = self.epochs_of[network]
        accuracies = self.curves[network, :epochs].tolist()
        curve = tuple(Epoch(i + 1, 0.0, accuracy, 0.0) for i, accuracy in enumerate(accuracies))
        status: Status = "finished" if epochs == self.benchmark.epochs else "truncated"
        return Result(status, (), curve, 0.0)

    def _network(self, trial: Trial) -> int:
        return self.benchmark.space.index(trial.architecture)
