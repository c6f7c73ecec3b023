"""A tabular benchmark: validation curves and test accuracies of all networks of a space."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

import numpy as np
import pandas as pd

from searchspace.space import Space
from studies.samplers.pareto import Floats, non_dominated
from trainers.tasks.digits import HELD_OUT


@dataclass(frozen=True)
class BenchmarkTable:
    """Accuracies in [0, 1] of the networks of a space, in its order.

    `macs` (networks,) are of the deployed form, `validation` is (seeds, networks, epochs) and
    `test` is (seeds, networks).
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
    def hypervolume(self) -> float:
        """The hypervolume of the true front."""
        return self._hypervolume(self.true_objectives)

    def _hypervolume(self, points: Floats) -> float:
        import moocore

        return float(moocore.hypervolume(points, ref=self.true_objectives.max(0)))

    def score(self, networks: Sequence[int]) -> float:
        """The true hypervolume of networks, as a share of that of the true front."""
        if len(networks) == 0:
            return 0.0
        return self._hypervolume(self.true_objectives[list(networks)]) / self.hypervolume

    def selected_score(self, networks: Sequence[int], seed: int) -> float:
        """The score of the front among networks, selected by the validation of one seed."""
        rows = np.array(networks, dtype=int)
        if not len(rows):
            return 0.0
        errors = 1 - self.validation[seed % len(self.validation), rows, -1]
        objectives = np.stack([errors, self.macs[rows]], 1)
        return self.score(rows[non_dominated(objectives, keep_equal=False)].tolist())

    def ceiling(self) -> float:
        """The score of a search that has trained all networks, mean over the seeds."""
        networks = range(self.space.size())
        return float(np.mean([self.selected_score(networks, s) for s in range(len(self.test))]))


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
