"""Base of the samplers that choose a whole architecture and then give its parameters to Optuna."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from searchspace import Architecture
from searchspace.space import Space
from searchspace.space.encoding import Rows
from searchspace.space.tree import Path

MAX_ENUMERATED = 4096
"""The most architectures of a space that are all listed; from a larger space some are drawn."""

POINTS = "points"
"""The attribute of a trial that holds its objectives by input size, if it has several."""

Parameters = tuple[dict[str, str], dict[str, CategoricalDistribution]]
"""The values of a trial's parameters and their distributions, both by parameter name."""


def trial_parameters(space: Space, architecture: Architecture) -> Parameters:
    """The parameters of a trial that suggests this architecture."""
    return _path_parameters(space, space.path(architecture))


def _path_parameters(space: Space, path: Path) -> Parameters:
    open_decisions = [(d, option) for d, option in path if len(d.options) > 1]
    names = [space.encoding.parameter(decision) for decision, _ in open_decisions]
    values = {name: option.label for name, (_, option) in zip(names, open_decisions, strict=True)}
    return values, {
        name: _distribution(tuple(d.labels))
        for name, (d, _) in zip(names, open_decisions, strict=True)
    }


@cache
def _distribution(labels: tuple[str, ...]) -> CategoricalDistribution:
    """The same object for the same labels: every trial has one for each of its parameters."""
    return CategoricalDistribution(labels)


def seeded_random(*seeds: int) -> Random:
    """A generator seeded by all of `seeds`."""
    return Random(int(np.random.SeedSequence(seeds).generate_state(2, np.uint64)[0]))


class _MissingParameterError(Exception):
    """A trial lacks a parameter of its architecture."""


@dataclass(frozen=True)
class _StoredParameters:
    """Suggests the parameters that a trial already has."""

    params: Mapping[str, Any]

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        """The stored value, if it is one of `choices`."""
        if self.params.get(name) not in choices:
            raise _MissingParameterError(name)
        return str(self.params[name])


class ArchitectureSampler(BaseSampler):
    """Chooses an architecture within the limits, so that no parameter has to be changed for them.

    A choice depends only on the seed, the trial's number and the other trials. A study that is
    loaded again therefore continues with the same choices.
    """

    def __init__(self, within: Space, seed: int) -> None:
        self.within = within
        self.space = within.with_limits(None)
        self.seed = seed
        self._row_cache: dict[frozenset[tuple[str, Any]], bytes] = {}
        self._enumerated: Rows | None = None

    @abstractmethod
    def choose(self, study: Study, trial: FrozenTrial, rng: Random) -> Rows:
        """The row, shape (columns,), of the architecture that the trial is to train."""

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Choose an architecture; the distributions of its parameters."""
        row = self.choose(study, trial, seeded_random(self.seed, trial.number))
        self._values, distributions = _path_parameters(self.space, self.space.encoding.path(row))
        return dict(distributions)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The values of the parameters that `infer_relative_search_space` has just chosen."""
        return dict(self._values)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """A random choice for a parameter that is not one of the space's."""
        if not isinstance(param_distribution, CategoricalDistribution):
            raise TypeError(f"{param_name} must be categorical, got {param_distribution}")
        return seeded_random(self.seed, trial.number, 1).choice(param_distribution.choices)

    def row_of(self, trial: FrozenTrial) -> bytes | None:
        """The row of a trial's architecture as bytes, or None if a parameter is missing."""
        params = frozenset(trial.params.items())
        if params not in self._row_cache:
            try:
                architecture = self.within.suggest(_StoredParameters(trial.params))
            except _MissingParameterError:
                return None
            self._row_cache[params] = self.space.rows([architecture])[0].tobytes()
        return self._row_cache[params]

    def proposed(self, study: Study) -> set[bytes]:
        """The rows of all architectures proposed so far, whatever the state of their trials."""
        trials = study.get_trials(deepcopy=False)
        return {row for row in map(self.row_of, trials) if row is not None}

    def enumerated(self) -> Rows | None:
        """The rows of all architectures within the limits, or None if the space is too large."""
        if self._enumerated is None and self.space.size() <= MAX_ENUMERATED:
            rows = self.space.rows(self.space)
            self._enumerated = rows[self.within.fits(rows)]
        return self._enumerated

    def new(self, rows: Rows, proposed: set[bytes]) -> Rows:
        """The distinct rows that were not proposed yet, in order."""
        first = {row.tobytes(): i for i, row in reversed(list(enumerate(rows)))}
        return rows[sorted(i for row, i in first.items() if row not in proposed)]
