"""Samplers that learn nothing: random, brute force, and quasi-Monte Carlo."""

from random import Random

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial

from searchspace.space.encoding import Rows
from searchspace.space.tree import DecisionVariable, Option
from studies.samplers.architecture_sampler import ArchitectureSampler

BATCH = 64
"""Architectures drawn at a time to find one that was not proposed yet."""
MAX_BATCHES = 50
"""Batches without a new architecture after which one is proposed again."""


class RandomSampler(ArchitectureSampler):
    """Draws uniformly from the architectures within the limits, with repetition.

    Optuna's random sampler draws parameters, which the limits would then change: architectures at
    the limits would be drawn most often.
    """

    def choose(self, study: Study, trial: FrozenTrial, rng: Random) -> Rows:
        """Any architecture."""
        return self.within.sample_rows(1, rng)[0]


class BruteForceSampler(ArchitectureSampler):
    """Proposes each architecture within the limits once, in random order; then again.

    Optuna's brute force sampler counts parameters as tried, not architectures, and ends its study
    through `Study.stop`, which ask and tell does not allow.
    """

    def choose(self, study: Study, trial: FrozenTrial, rng: Random) -> Rows:
        """An architecture that was not proposed yet, each with the same probability."""
        proposed = self.proposed(study)
        enumerated = self.enumerated()
        if enumerated is not None:
            left = self.new(enumerated, proposed)
            return (left if len(left) else enumerated)[rng.randrange(len(left) or len(enumerated))]
        for _ in range(MAX_BATCHES):
            drawn = self.within.sample_rows(BATCH, rng)
            left = self.new(drawn, proposed)
            if len(left):
                return left[0]
        return drawn[0]


class QmcSampler(ArchitectureSampler):
    """The points of one scrambled Sobol sequence, with a dimension for each decision.

    Optuna's QMC sampler draws parameters, which the limits would then change.
    """

    def choose(self, study: Study, trial: FrozenTrial, rng: Random) -> Rows:
        """The point with the trial's number, changed where it does not fit the limits."""
        # This import takes a second, which the other samplers need not wait for.
        from scipy.stats import qmc

        columns = self.space.encoding.columns
        sobol = qmc.Sobol(len(columns), rng=np.random.default_rng(self.seed))
        if trial.number:
            sobol.fast_forward(trial.number)
        point = sobol.random(1)[0]

        def pick(decision: DecisionVariable) -> Option:
            ends = np.cumsum(decision.weights)
            share = point[columns[decision.name]] * ends[-1]
            return decision.options[int(np.searchsorted(ends, share, side="right"))]

        return self.space.rows([self.within.follow(pick)])[0]
