"""Samplers that learn nothing: random, each network once, and evenly spread."""

from random import Random

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial

from searchspace.space.encoding import Rows
from searchspace.space.tree import Decision, Option
from studies.samplers.planned import Planned

DRAWS = 64
"""Networks drawn at a time while a new one is looked for."""
FRUITLESS = 50
"""Draws without a new network after which one is proposed again."""


class RandomSampler(Planned):
    """Draws uniformly from the networks within the limits, with repetition.

    Optuna's random sampler draws answers, which limits would then overrule: networks just within
    them would come most often.
    """

    def choose(self, study: Study, trial: FrozenTrial, rng: Random) -> Rows:
        """Any network."""
        return self.within.sample_rows(1, rng)[0]


class BruteForceSampler(Planned):
    """Every network within the limits once, in random order; then again.

    Optuna's brute force sampler counts answers as tried, not networks, and ends its study through
    `Study.stop`, which is not to be had with ask and tell.
    """

    def choose(self, study: Study, trial: FrozenTrial, rng: Random) -> Rows:
        """A network that was not proposed yet, each with the same probability."""
        known = self.known(study)
        listed = self.listed()
        if listed is not None:
            left = self.fresh(listed, known)
            return (left if len(left) else listed)[rng.randrange(len(left) or len(listed))]
        for _ in range(FRUITLESS):
            drawn = self.within.sample_rows(DRAWS, rng)
            left = self.fresh(drawn, known)
            if len(left):
                return left[0]
        return drawn[0]


class QmcSampler(Planned):
    """The points of one scrambled Sobol sequence, a dimension for each decision.

    Optuna's QMC sampler leaves categorical parameters to chance, so that here all would be.
    """

    def choose(self, study: Study, trial: FrozenTrial, rng: Random) -> Rows:
        """The point with the trial's number, made to fit the limits where it does not."""
        # A second of imports that the other samplers need not wait for.
        from scipy.stats import qmc

        layout = self.space.layout
        sobol = qmc.Sobol(len(layout.columns), rng=np.random.default_rng(self.seed))
        if trial.number:
            sobol.fast_forward(trial.number)
        place = sobol.random(1)[0]

        def pick(decision: Decision) -> Option:
            ends = np.cumsum(decision.weights)
            share = place[layout.columns[decision.name]] * ends[-1]
            return decision.options[int(np.searchsorted(ends, share, side="right"))]

        return self.space.rows([self.within.following(pick)])[0]
