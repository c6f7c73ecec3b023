"""Optuna's samplers without memory: a proposal depends only on the seed and the trials."""

from collections.abc import Callable, Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from studies.samplers.architecture_sampler import seeded_random

SEEDS = 2**32


class StatelessSampler(BaseSampler):
    """Makes a new sampler for each trial, seeded by the search's seed and the trial's number.

    There is no random state to store, so a study that is loaded again continues with the same
    proposals. All methods pass on to the trial's sampler.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int) -> None:
        self.make, self.seed = make, seed
        self._number = -1

    def _of(self, trial: FrozenTrial) -> BaseSampler:
        if trial.number != self._number:
            self._number = trial.number
            self._sampler = self.make(seeded_random(self.seed, trial.number).randrange(SEEDS))
        return self._sampler

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Pass on."""
        self._of(trial).before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Pass on."""
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Pass on."""
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Pass on."""
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Pass on; what is done after a trial needs no random state."""
        self.make(0).after_trial(study, trial, state, values)
