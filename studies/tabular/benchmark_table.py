"""A tabular benchmark: validation curves and test accuracies of all networks of a space."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Literal

import numpy as np
import pandas as pd

from searchspace.space import Space
from studies.samplers.pareto import Floats, non_dominated
from trainers.tasks.digits import HELD_OUT

Reference = Literal["worst", "nadir"]


@dataclass(frozen=True)
class BenchmarkTable:
    """Accuracies in [0, 1] of the networks of a space, in its order.

    `macs` (networks,) are of the deployed form, `validation` is (seeds, networks, epochs) and
    `test`, which judges, (seeds, networks).
    """

    space: Space
    macs: Floats
    validation: Floats
    test: Floats

    @property
    def epochs(self) -> int:
        """The epochs of a full training."""
        return self.validation.shape[2]

    @cached_property
    def true_objectives(self) -> Floats:
        """Test error, mean over the seeds, and logarithm of MACs: (networks, 2), minimised."""
        return np.stack([1 - self.test.mean(0), np.log(self.macs)], 1)

    @cached_property
    def references(self) -> dict[Reference, Floats]:
        """Points that bound the volume: the worst of all networks, and the worst of the front.

        The second tells more where few networks are much worse than all others.
        """
        objectives = self.true_objectives
        front = objectives[non_dominated(objectives)]
        # A little above, so that the ends of the front have some volume themselves.
        beyond = front.max(0) + 0.05 * np.ptp(front, axis=0)
        return {"worst": objectives.max(0), "nadir": beyond}

    @cached_property
    def hypervolumes(self) -> dict[Reference, float]:
        """The hypervolume of the true front."""
        return {name: self._hypervolume(self.true_objectives, name) for name in self.references}

    def _hypervolume(self, points: Floats, reference: Reference) -> float:
        import moocore

        return float(moocore.hypervolume(points, ref=self.references[reference]))

    def score(self, networks: Sequence[int], reference: Reference = "worst") -> float:
        """The true hypervolume of networks, as a share of that of the true front."""
        if len(networks) == 0:
            return 0.0
        points = self.true_objectives[list(networks)]
        return self._hypervolume(points, reference) / self.hypervolumes[reference]

    def selected(self, networks: Sequence[int], seed: int) -> list[int]:
        """The front among networks, selected by the validation of one seed."""
        rows = np.array(networks, dtype=int)
        errors = 1 - self.validation[seed % len(self.validation), rows, -1]
        objectives = np.stack([errors, self.macs[rows]], 1)
        return [int(row) for row in rows[non_dominated(objectives, keep_equal=False)]]

    def ceiling(self) -> float:
        """The score of a search that has trained all networks, mean over the seeds."""
        networks, seeds = range(self.space.size()), range(len(self.validation))
        return float(np.mean([self.score(self.selected(networks, seed)) for seed in seeds]))


def read_table(space: Space, name: str) -> BenchmarkTable:
    """A table that comes with the package (`studies/tabular/tables`)."""
    packed = (files("studies.tabular") / "tables" / name).read_bytes()
    lines = gzip.decompress(packed).decode().splitlines()
    frame = pd.DataFrame([line.split(",") for line in lines[1:]], columns=lines[0].split(","))
    frame = frame.astype({column: float for column in frame.columns if column != "key"})
    frame = frame.sort_values(["seed", "network"])
    seeds = frame["seed"].nunique()
    curves = frame.filter(regex=r"^epoch_").to_numpy().reshape(seeds, space.size(), -1)
    return BenchmarkTable(
        space,
        frame["macs"].to_numpy()[: space.size()],
        curves / HELD_OUT,
        frame["test"].to_numpy().reshape(seeds, -1) / HELD_OUT,
    )
