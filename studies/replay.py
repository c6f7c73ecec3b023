"""A search replayed on a table of finished trainings: every sampler and scheduler in milliseconds.

The table holds the validation curves of every network of a space with several seeds. A replay sees
those of one seed, as a search would; what it found is judged by test accuracies over all seeds.
"""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any, Literal

import moocore
import numpy as np
import optuna
import pandas as pd
from optuna.trial import Trial, TrialState

from searchspace.design import Space
from studies.fronts import Floats
from studies.rungs import scheduler
from studies.samplers import sampler
from trainers.tasks.digits import HELD_OUT

OBJECTIVES = "accuracy", "macs"
DIRECTIONS: tuple[Literal["maximize", "minimize"], ...] = "maximize", "minimize"


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
        return self.score(found[moocore.is_nondominated(seen)].tolist())

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
    """A table that comes with the package (`studies/tables`)."""
    packed = (files("studies") / "tables" / name).read_bytes()
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

    A network proposed again is answered from what is known of it, for no epochs.
    """

    def __init__(self, table: Table, way: Way, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.table, self.seed = table, seed
        self.within = table.space.within()
        self.study = optuna.create_study(
            directions=list(DIRECTIONS),
            sampler=sampler(
                way.sampler, way.settings, within=self.within, objectives=OBJECTIVES, seed=seed
            ),
        )
        self.watch = scheduler(way.scheduler, way.scheduler_settings).start(table.epochs)
        self.curves = table.validation[seed % len(table.validation)]
        self.trials: dict[str, tuple[Trial, int]] = {}
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
            resumed = self.watch.next_to_resume()
            if resumed is not None:
                self._train(resumed)
            elif len(self.trials) < trials:
                self._propose()
            else:
                break
            score = self.table.reported(self.finished, self.seed)
            steps.append(Step(len(self.trials), self.epochs, score))
        return steps

    def _propose(self) -> None:
        trial = self.study.ask()
        network = self.table.space.index(self.within.suggest(trial))
        name = str(trial.number)
        self.trials[name] = trial, network
        if network not in self.passed:
            self.passed[network] = 0
            self._train(name)
        elif self.passed[network] == self.table.epochs:
            self._finish(name)
        else:
            self.study.tell(trial, state=TrialState.PRUNED)

    def _train(self, name: str) -> None:
        """Go on with a trial until it is told to pause or stop, or is done."""
        trial, network = self.trials[name]
        cost = float(self.table.macs[network])
        while self.passed[network] < self.table.epochs:
            self.passed[network] += 1
            epoch = self.passed[network]
            error = 1 - float(self.curves[network, epoch - 1])
            answer = self.watch.report(name, epoch, [(error, cost)])
            if answer == "stop":
                self.study.tell(trial, state=TrialState.PRUNED)
            if answer != "continue":
                return
        self._finish(name)

    def _finish(self, name: str) -> None:
        trial, network = self.trials[name]
        accuracy, cost = self.curves[network, -1], self.table.macs[network]
        self.study.tell(trial, [float(accuracy), float(cost)])
