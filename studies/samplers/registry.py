"""Samplers by name, with their settings as data."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, NSGAIIISampler, NSGAIISampler, TPESampler

from searchspace import InputError
from searchspace.checks import check_at_least, check_integer, check_one_of
from searchspace.schema import from_json
from searchspace.space import Within
from studies.samplers.informed import InformedSampler
from studies.samplers.repeatable import Repeatable
from studies.samplers.simple import BruteForceSampler, QmcSampler, RandomSampler


@dataclass(frozen=True)
class Aim:
    """What a search proposes networks for: those within limits, with objectives by name."""

    within: Within
    objectives: tuple[str, ...]


@dataclass(frozen=True)
class Random:
    """Uniform over the networks within the limits."""

    kind: ClassVar[str] = "random"

    def make(self, aim: Aim, seed: int) -> BaseSampler:
        """The sampler."""
        return RandomSampler(aim.within, seed)


@dataclass(frozen=True)
class BruteForce:
    """Every network within the limits once."""

    kind: ClassVar[str] = "brute_force"

    def make(self, aim: Aim, seed: int) -> BaseSampler:
        """The sampler."""
        return BruteForceSampler(aim.within, seed)


@dataclass(frozen=True)
class Qmc:
    """Evenly spread networks."""

    kind: ClassVar[str] = "qmc"

    def make(self, aim: Aim, seed: int) -> BaseSampler:
        """The sampler."""
        return QmcSampler(aim.within, seed)


@dataclass(frozen=True)
class Informed:
    """Ours: costs are known, accuracy is modelled, the expected gain in hypervolume decides.

    The first `startup` networks are spread evenly over the costs.
    """

    startup: int = 8
    pool: int = 512

    kind: ClassVar[str] = "informed"

    def __post_init__(self) -> None:
        check_integer(1, startup=self.startup, pool=self.pool)

    def make(self, aim: Aim, seed: int) -> BaseSampler:
        """The sampler."""
        return InformedSampler(
            aim.within, seed, aim.objectives, startup=self.startup, pool=self.pool
        )


@dataclass(frozen=True)
class Tpe:
    """Optuna's tree-structured Parzen estimator; settings as in `optuna.samplers.TPESampler`."""

    n_startup_trials: int = 10
    n_ei_candidates: int = 24
    multivariate: bool = False
    group: bool = False
    constant_liar: bool = True

    kind: ClassVar[str] = "tpe"

    def __post_init__(self) -> None:
        check_integer(0, n_startup_trials=self.n_startup_trials)
        check_integer(1, n_ei_candidates=self.n_ei_candidates)
        if self.group and not self.multivariate:
            raise InputError("group needs multivariate to be true")

    def make(self, aim: Aim, seed: int) -> BaseSampler:
        """The sampler; parameters that not all trials have are sampled alone unless grouped."""
        return _repeatable(
            lambda each: TPESampler(
                n_startup_trials=self.n_startup_trials,
                n_ei_candidates=self.n_ei_candidates,
                multivariate=self.multivariate,
                group=self.group,
                constant_liar=self.constant_liar,
                seed=each,
            ),
            seed,
        )


@dataclass(frozen=True)
class Nsga2:
    """Optuna's NSGA-II; settings as in `optuna.samplers.NSGAIISampler`.

    The first `population_size` trials are random.
    """

    population_size: int = 50
    mutation_prob: float | None = None
    crossover_prob: float = 0.9
    swapping_prob: float = 0.5

    kind: ClassVar[str] = "nsga2"

    def __post_init__(self) -> None:
        check_integer(2, population_size=self.population_size)
        shares = {"crossover_prob": self.crossover_prob, "swapping_prob": self.swapping_prob}
        if self.mutation_prob is not None:
            shares["mutation_prob"] = self.mutation_prob
        check_at_least(0, **shares)
        for name, share in shares.items():
            if share > 1:
                raise InputError(f"{name} must be at most 1, got {share!r}")

    def make(self, aim: Aim, seed: int) -> BaseSampler:
        """The sampler."""
        settings = self._settings()
        return _repeatable(lambda each: NSGAIISampler(**settings, seed=each), seed)

    def _settings(self) -> dict[str, Any]:
        names = "population_size", "mutation_prob", "crossover_prob", "swapping_prob"
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Nsga3(Nsga2):
    """Optuna's NSGA-III; `dividing_parameter` is that of its reference points."""

    dividing_parameter: int = 3

    kind: ClassVar[str] = "nsga3"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(1, dividing_parameter=self.dividing_parameter)

    def make(self, aim: Aim, seed: int) -> BaseSampler:
        """The sampler."""
        settings = {**self._settings(), "dividing_parameter": self.dividing_parameter}
        return _repeatable(lambda each: NSGAIIISampler(**settings, seed=each), seed)


@dataclass(frozen=True)
class Gp:
    """Optuna's Gaussian process; settings as in `optuna.samplers.GPSampler`.

    Parameters that not all trials have are drawn at random.
    """

    n_startup_trials: int = 10

    kind: ClassVar[str] = "gp"

    def __post_init__(self) -> None:
        check_integer(1, n_startup_trials=self.n_startup_trials)

    def make(self, aim: Aim, seed: int) -> BaseSampler:
        """The sampler."""
        return _repeatable(
            lambda each: GPSampler(
                n_startup_trials=self.n_startup_trials,
                warn_independent_sampling=False,
                seed=each,
            ),
            seed,
        )


def _repeatable(make: Callable[[int], BaseSampler], seed: int) -> BaseSampler:
    def quietly(each: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return make(each)

    return Repeatable(quietly, seed)


Settings = Random | BruteForce | Qmc | Informed | Tpe | Nsga2 | Nsga3 | Gp
KINDS: tuple[type[Settings], ...] = (Random, Tpe, Nsga2, Nsga3, Gp, Qmc, BruteForce, Informed)
SAMPLERS: Mapping[str, type[Settings]] = {made.kind: made for made in KINDS}


def sampler_settings(name: str, settings: Mapping[str, Any]) -> Settings:
    """The settings of a sampler, checked; an InputError names what is wrong."""
    check_one_of(SAMPLERS, sampler=name)
    return from_json(SAMPLERS[name], dict(settings), f"sampler {name}")


def sampler(
    name: str,
    settings: Mapping[str, Any],
    *,
    within: Within,
    objectives: Sequence[str],
    seed: int,
) -> BaseSampler:
    """A sampler by name that proposes networks within limits.

    The study's directions are to be: `accuracy` up, all other objectives down; its values are in
    the order of `objectives`.
    """
    check_integer(0, seed=seed)
    return sampler_settings(name, settings).make(Aim(within, tuple(objectives)), seed)
