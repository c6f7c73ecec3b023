"""A search replayed on a table of finished trainings: every sampler and scheduler in milliseconds.

The table holds the validation curves of every network of a space with several seeds. A replay sees
those of one seed, as a search would; what it found is judged by test accuracies over all seeds.
"""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any

import moocore
import numpy as np
import pandas as pd

from searchspace.space import Space
from studies.rundir.trial_log import Proposed, TrialLog
from studies.samplers.pareto import Floats, non_dominated
from studies.samplers.registry import make_sampler
from studies.search.early_stopping import early_stopping
from studies.search.objectives import Served
from studies.search.optuna_study import Proposals
from studies.spec.search import Objective, Search
from trainers import Digits, Epoch, Recipe, Result
from trainers.tasks.digits import HELD_OUT

OBJECTIVES: tuple[Objective, ...] = "accuracy", "macs"


@dataclass(frozen=True)
class Table:
    """Accuracies of the networks of a space, in its order, in [0, 1]; costs are deployed MACs.

    `validation` is (seeds, networks, epochs) and `test` (seeds, networks).
    """

    space: Space
    macs: Floats
    validation: Floats
    test: Floats

    @property
    def epochs(self) -> int:
        """Epochs of a full training."""
        return self.validation.shape[2]

    @cached_property
    def truth(self) -> Floats:
        """Error on test, mean over seeds, and logarithm of MACs: (networks, 2)."""
        return np.stack([1 - self.test.mean(0), np.log(self.macs)], 1)

    @cached_property
    def volume(self) -> float:
        """The hypervolume of the true front."""
        return float(moocore.hypervolume(self.truth, ref=self.truth.max(0)))

    def reported(self, networks: Sequence[int], seed: int) -> float:
        """The score of the front among networks, as the validation of one seed shows it."""
        found = np.array(networks, dtype=int)
        if not len(found):
            return 0.0
        errors = 1 - self.validation[seed % len(self.validation), found, -1]
        seen = np.stack([errors, self.macs[found]], 1)
        return self.score(found[non_dominated(seen, keep_equal=False)].tolist())

    def ceiling(self) -> float:
        """The score of a search that has trained all networks, mean over the seeds."""
        everything = range(self.space.size())
        return float(np.mean([self.reported(everything, s) for s in range(len(self.test))]))

    def score(self, networks: Sequence[int]) -> float:
        """The hypervolume of networks, on test, as a share of that of the true front."""
        if len(networks) == 0:
            return 0.0
        return float(
            moocore.hypervolume(self.truth[list(networks)], ref=self.truth.max(0)) / self.volume
        )


def read_table(space: Space, name: str) -> Table:
    """A table that comes with the package (`studies/tabular/tables`)."""
    packed = (files("studies.tabular") / "tables" / name).read_bytes()
    lines = gzip.decompress(packed).decode().splitlines()
    frame = pd.DataFrame([line.split(",") for line in lines[1:]], columns=lines[0].split(","))
    frame = frame.astype({column: float for column in frame.columns if column != "key"})
    frame = frame.sort_values(["seed", "network"])
    seeds = frame["seed"].nunique()
    curves = frame.filter(regex=r"^epoch_").to_numpy().reshape(seeds, space.size(), -1)
    return Table(
        space,
        frame["macs"].to_numpy()[: space.size()],
        curves / HELD_OUT,
        frame["test"].to_numpy().reshape(seeds, -1) / HELD_OUT,
    )


@dataclass(frozen=True)
class Way:
    """A sampler and a scheduler with their settings, under a name."""

    name: str
    sampler: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    scheduler: str = "none"
    scheduler_settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """The state of a search whenever a network was finished or ended: sums so far, and its score.

    `trials` counts proposals, repeated ones too, which cost no epochs.
    """

    trials: int
    epochs: int
    score: float


class Replay:
    """One search on the table, which sees the validation accuracies of one of its seeds.

    Its study is told what the engine would tell it, in the same order: of a network that waits or
    was stopped as well. A network proposed again is answered from what is known of it, for no
    epochs.
    """

    def __init__(self, table: Table, way: Way, seed: int) -> None:
        self.table, self.seed = table, seed
        self.search = question(table, way, seed)
        made = make_sampler(
            way.sampler,
            way.settings,
            within=self.search.within,
            objectives=self.search.objectives,
            seed=seed,
        )
        self.proposals = Proposals(self.search, self.search.name, made)
        self.stopper = early_stopping(way.scheduler, way.scheduler_settings).start(table.epochs)
        self.curves = table.validation[seed % len(table.validation)]
        self.log = TrialLog()
        self.results: dict[str, Result] = {}
        self.passed: dict[int, int] = {}
        """Epochs trained, by network."""

    @property
    def epochs(self) -> int:
        """Epochs trained so far."""
        return sum(self.passed.values())

    @property
    def finished(self) -> list[int]:
        """The networks trained to the end."""
        return [network for network, passed in self.passed.items() if passed == self.table.epochs]

    def run(self, trials: int, epochs: int | None = None) -> list[Step]:
        """Search until so many trials are proposed and over, or so many epochs trained."""
        steps: list[Step] = []
        while epochs is None or self.epochs < epochs:
            resumed = self.stopper.promote()
            if resumed is not None:
                self._train(int(resumed))
            elif len(self.log) < trials:
                self._propose()
            else:
                break
            score = self.table.reported(self.finished, self.seed)
            steps.append(Step(len(self.log), self.epochs, score))
        return steps

    def _propose(self) -> None:
        architecture, attributes = self.proposals.ask()
        number = len(self.log)
        key = self.search.job(architecture, self.seed).key
        self.log.add(Proposed(number, architecture, "sampler", key, self.seed, attributes))
        self.proposals.add(self.log.trial(number, self.results), attributes)
        if key in self.results:
            self._tell(number)
        else:
            self._train(number)

    def _train(self, number: int) -> None:
        """Go on with a trial until it is to pause or stop, or is done; then tell of its network."""
        network, key = self._network(number), self.log.proposed[number].job
        cost, answer = float(self.table.macs[network]), "continue"
        while answer == "continue" and self.passed.get(network, 0) < self.table.epochs:
            epoch = self.passed[network] = self.passed.get(network, 0) + 1
            error = 1 - float(self.curves[network, epoch - 1])
            answer = self.stopper.report(str(number), epoch, [(error, cost)])
        self.results[key] = self._result(network)
        for owner in self.log.owners[key]:
            self._tell(owner)

    def _tell(self, number: int) -> None:
        """Tell the sampler how a trial ended, or where it waits."""
        trial, network = self.log.trial(number, self.results), self._network(number)
        result = self.results[trial.key]
        points = []
        if trial.state == "finished":
            accuracy = result.curve[-1].validation_accuracy
            values = accuracy, float(self.table.macs[network])
            points = [Served(number, self.search.task.input_size, (accuracy,), values)]
        self.proposals.tell(trial, points, result)

    def _result(self, network: int) -> Result:
        passed = self.passed[network]
        seen = self.curves[network, :passed].tolist()
        curve = tuple(Epoch(i + 1, 0.0, accuracy, 0.0) for i, accuracy in enumerate(seen))
        return Result("finished" if passed == self.table.epochs else "truncated", (), curve, 0.0)

    def _network(self, number: int) -> int:
        return self.table.space.index(self.log.proposed[number].architecture)


def question(table: Table, way: Way, seed: int) -> Search:
    """The search that a replay stands for; of task and recipe, it uses only the epochs."""
    return Search(
        way.name,
        table.space,
        Digits(),
        Recipe(epochs=table.epochs, batch_size=1, lr=1.0),
        trials=1,
        objectives=OBJECTIVES,
        sampler=way.sampler,
        sampler_settings=way.settings,
        scheduler=way.scheduler,
        scheduler_settings=way.scheduler_settings,
        seed=seed,
    )
