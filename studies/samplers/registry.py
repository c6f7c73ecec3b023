"""Samplers by name, with their settings as values."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, NSGAIIISampler, NSGAIISampler, TPESampler

from searchspace import InputError
from searchspace.checks import MAX_TRIALS, check_at_least, check_integer, check_one_of
from searchspace.schema import from_json
from searchspace.space import Space
from studies.samplers.informed import InformedSampler
from studies.samplers.simple import BruteForceSampler, QmcSampler, RandomSampler
from studies.samplers.stateless import StatelessSampler


@dataclass(frozen=True)
class SamplerSettings(ABC):
    """The settings of one sampler; base class of all."""

    kind: ClassVar[str]

    @abstractmethod
    def make(self, within: Space, objectives: Sequence[str], seed: int) -> BaseSampler:
        """The sampler with these settings."""


@dataclass(frozen=True)
class RandomSettings(SamplerSettings):
    """Random search: uniform over the architectures within the limits."""

    kind: ClassVar[str] = "random"

    def make(self, within: Space, objectives: Sequence[str], seed: int) -> BaseSampler:
        """The sampler with these settings."""
        return RandomSampler(within, seed)


@dataclass(frozen=True)
class BruteForceSettings(SamplerSettings):
    """Each architecture within the limits once."""

    kind: ClassVar[str] = "brute_force"

    def make(self, within: Space, objectives: Sequence[str], seed: int) -> BaseSampler:
        """The sampler with these settings."""
        return BruteForceSampler(within, seed)


@dataclass(frozen=True)
class QmcSettings(SamplerSettings):
    """Quasi-Monte Carlo: the points of a scrambled Sobol sequence."""

    kind: ClassVar[str] = "qmc"

    def make(self, within: Space, objectives: Sequence[str], seed: int) -> BaseSampler:
        """The sampler with these settings."""
        return QmcSampler(within, seed)


@dataclass(frozen=True)
class InformedSettings(SamplerSettings):
    """Our sampler: exact costs, a model of accuracy, expected hypervolume improvement.

    The first `startup` architectures are spread evenly over the costs. Of a large space `pool`
    candidates are compared for each trial.
    """

    startup: int = 8
    pool: int = 512

    kind: ClassVar[str] = "informed"

    def __post_init__(self) -> None:
        check_integer(1, MAX_TRIALS, startup=self.startup, pool=self.pool)

    def make(self, within: Space, objectives: Sequence[str], seed: int) -> BaseSampler:
        """The sampler with these settings."""
        return InformedSampler(
            within, seed, tuple(objectives), startup=self.startup, pool=self.pool
        )


@dataclass(frozen=True)
class TpeSettings(SamplerSettings):
    """Optuna's tree-structured Parzen estimator; settings as in `optuna.samplers.TPESampler`."""

    n_startup_trials: int = 10
    n_ei_candidates: int = 24
    multivariate: bool = False
    group: bool = False
    constant_liar: bool = True

    kind: ClassVar[str] = "tpe"

    def __post_init__(self) -> None:
        check_integer(0, MAX_TRIALS, n_startup_trials=self.n_startup_trials)
        check_integer(1, MAX_TRIALS, n_ei_candidates=self.n_ei_candidates)
        if self.group and not self.multivariate:
            raise InputError("group needs multivariate to be true")

    def make(self, within: Space, objectives: Sequence[str], seed: int) -> BaseSampler:
        """The sampler; parameters that some trials lack are grouped or sampled independently."""
        return _stateless(
            lambda trial_seed: TPESampler(
                n_startup_trials=self.n_startup_trials,
                n_ei_candidates=self.n_ei_candidates,
                multivariate=self.multivariate,
                group=self.group,
                constant_liar=self.constant_liar,
                seed=trial_seed,
            ),
            seed,
        )


@dataclass(frozen=True)
class Nsga2Settings(SamplerSettings):
    """Optuna's NSGA-II; settings as in `optuna.samplers.NSGAIISampler`.

    The first `population_size` trials are random.
    """

    population_size: int = 50
    mutation_prob: float | None = None
    crossover_prob: float = 0.9
    swapping_prob: float = 0.5

    kind: ClassVar[str] = "nsga2"

    def __post_init__(self) -> None:
        check_integer(2, MAX_TRIALS, population_size=self.population_size)
        shares = {"crossover_prob": self.crossover_prob, "swapping_prob": self.swapping_prob}
        if self.mutation_prob is not None:
            shares["mutation_prob"] = self.mutation_prob
        check_at_least(0, **shares)
        for name, share in shares.items():
            if share > 1:
                raise InputError(f"{name} must be at most 1, got {share!r}")

    def make(self, within: Space, objectives: Sequence[str], seed: int) -> BaseSampler:
        """The sampler with these settings."""
        settings = self._settings()
        return _stateless(lambda trial_seed: NSGAIISampler(**settings, seed=trial_seed), seed)

    def _settings(self) -> dict[str, Any]:
        names = "population_size", "mutation_prob", "crossover_prob", "swapping_prob"
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Nsga3Settings(Nsga2Settings):
    """Optuna's NSGA-III; `dividing_parameter` sets its reference points."""

    dividing_parameter: int = 3

    kind: ClassVar[str] = "nsga3"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(1, MAX_TRIALS, dividing_parameter=self.dividing_parameter)

    def make(self, within: Space, objectives: Sequence[str], seed: int) -> BaseSampler:
        """The sampler with these settings."""
        settings = {**self._settings(), "dividing_parameter": self.dividing_parameter}
        return _stateless(lambda trial_seed: NSGAIIISampler(**settings, seed=trial_seed), seed)


@dataclass(frozen=True)
class GpSettings(SamplerSettings):
    """Optuna's Gaussian process; settings as in `optuna.samplers.GPSampler`.

    Parameters that some trials lack are sampled independently at random.
    """

    n_startup_trials: int = 10

    kind: ClassVar[str] = "gp"

    def __post_init__(self) -> None:
        check_integer(1, MAX_TRIALS, n_startup_trials=self.n_startup_trials)

    def make(self, within: Space, objectives: Sequence[str], seed: int) -> BaseSampler:
        """The sampler with these settings."""
        return _stateless(
            lambda trial_seed: GPSampler(
                n_startup_trials=self.n_startup_trials,
                warn_independent_sampling=False,
                seed=trial_seed,
            ),
            seed,
        )


def _stateless(make: Callable[[int], BaseSampler], seed: int) -> BaseSampler:
    def make_quietly(trial_seed: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return make(trial_seed)

    return StatelessSampler(make_quietly, seed)


SAMPLERS: Mapping[str, type[SamplerSettings]] = {
    settings.kind: settings
    for settings in (
        RandomSettings,
        TpeSettings,
        Nsga2Settings,
        Nsga3Settings,
        GpSettings,
        QmcSettings,
        BruteForceSettings,
        InformedSettings,
    )
}
"""The settings class of each sampler by name."""


def sampler_settings(name: str, settings: Mapping[str, Any]) -> SamplerSettings:
    """The settings of a sampler, checked; an InputError names what is wrong."""
    check_one_of(SAMPLERS, sampler=name)
    return from_json(SAMPLERS[name], dict(settings), f"sampler {name}")


def make_sampler(
    name: str,
    settings: Mapping[str, Any],
    *,
    within: Space,
    objectives: Sequence[str],
    seed: int,
) -> BaseSampler:
    """A sampler by name that proposes architectures within limits.

    The Optuna study must maximise `accuracy` and minimise all other objectives. Its values are in
    the order of `objectives`.
    """
    check_integer(0, seed=seed)
    return sampler_settings(name, settings).make(within, objectives, seed)
