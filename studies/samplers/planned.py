"""Samplers that choose a whole network at once and then give the answers that lead to it."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from searchspace import Architecture
from searchspace.space import Space, Within
from searchspace.space.encoding import Rows
from searchspace.space.tree import Path

ENUMERABLE = 4096
"""Networks of a space that are all listed, at most; of a larger one, some are drawn."""


def answers(
    space: Space, architecture: Architecture
) -> tuple[dict[str, str], dict[str, CategoricalDistribution]]:
    """The parameters of a trial that suggests a network, and their distributions."""
    return _answers(space, space.path(architecture))


def _answers(space: Space, path: Path) -> tuple[dict[str, str], dict[str, CategoricalDistribution]]:
    asked = [(d, option) for d, option in path if len(d.options) > 1]
    names = [space.layout.parameter(decision) for decision, _ in asked]
    values = {name: option.label for name, (_, option) in zip(names, asked, strict=True)}
    return values, {
        name: CategoricalDistribution(tuple(d.labels))
        for name, (d, _) in zip(names, asked, strict=True)
    }


def seeded(*parts: int) -> Random:
    """A generator that depends on all the parts."""
    return Random(int(np.random.SeedSequence(parts).generate_state(2, np.uint64)[0]))


class _UnansweredError(Exception):
    """A trial has no answer to what is asked."""


@dataclass(frozen=True)
class _Told:
    """Answers from a trial's parameters."""

    params: Mapping[str, Any]

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        """The stored answer, if it is one of `choices`."""
        if self.params.get(name) not in choices:
            raise _UnansweredError(name)
        return str(self.params[name])


class Planned(BaseSampler):
    """Chooses a row of the space for each trial; its answers are never overruled by the limits.

    A choice depends on the seed, the trial's number and the other trials, on nothing remembered,
    so that a study that is loaded again goes on as it would have.
    """

    def __init__(self, within: Within, seed: int) -> None:
        self.within = within
        self.space = within.space
        self.seed = seed
        self._rows: dict[frozenset[tuple[str, Any]], bytes | None] = {}
        self._listed: Rows | None = None

    @abstractmethod
    def choose(self, study: Study, trial: FrozenTrial, rng: Random) -> Rows:
        """The row, shape (columns,), of the network that the trial is to train."""

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The parameters that the chosen network answers."""
        row = self.choose(study, trial, seeded(self.seed, trial.number))
        self._chosen, distributions = _answers(self.space, self.space.layout.path(row))
        return dict(distributions)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The answers; Optuna asks for them right after `infer_relative_search_space`."""
        return dict(self._chosen)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """One of the choices of a parameter that is none of the space's."""
        assert isinstance(param_distribution, CategoricalDistribution)
        return seeded(self.seed, trial.number, 1).choice(param_distribution.choices)

    def row_of(self, trial: FrozenTrial) -> bytes | None:
        """The row of the network of a trial, as bytes, or None if it has not got all answers."""
        told = frozenset(trial.params.items())
        if told not in self._rows:
            try:
                network = self.within.suggest(_Told(trial.params))
            except _UnansweredError:
                return None
            self._rows[told] = self.space.rows([network])[0].tobytes()
        return self._rows[told]

    def known(self, study: Study) -> set[bytes]:
        """The rows of all networks that were ever proposed, whatever became of them."""
        trials = study.get_trials(deepcopy=False)
        return {row for row in map(self.row_of, trials) if row is not None}

    def listed(self) -> Rows | None:
        """All networks within the limits, as rows, if the space is small enough to list."""
        if self._listed is None and self.space.size() <= ENUMERABLE:
            rows = self.space.rows(self.space)
            self._listed = rows[self.within.fits(rows)]
        return self._listed

    def fresh(self, rows: Rows, known: set[bytes]) -> Rows:
        """The distinct rows that are not known, in order."""
        left = {row.tobytes(): i for i, row in reversed(list(enumerate(rows)))}
        keep = [i for row, i in left.items() if row not in known]
        return rows[sorted(keep)]
