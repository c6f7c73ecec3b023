"""Gaussian process model of one measured objective of networks.

Its kernel is a sum over two views of a network: the option of each decision, and the logarithms of
its costs. Predictions average over the most likely kernel hyperparameters of a small
grid, weighted by marginal likelihood (Rasmussen and Williams, Gaussian Processes for Machine
Learning, chapters 2 and 5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from studies.samplers.pareto import Floats

WEIGHTS = ((0.5, 0.5), (0.8, 0.2), (0.2, 0.8))
"""Shares of the two views in the prior variance."""
LENGTHS = (0.7, 1.4, 2.8)
"""Length scales, in units of the root mean square distance between the observations."""
NOISES = (0.03, 0.1, 0.3, 1.0, 3.0)
"""Noise variance of one measurement, in units of the prior variance."""
GRID = tuple(product(WEIGHTS, LENGTHS, NOISES))
MAX_FITTED = 64
"""The most observations, the latest ones, that the marginal likelihood is computed from."""
AVERAGED = 5
"""The number of most likely hyperparameters that predictions average over."""


Views = tuple[Floats, Floats]
"""One-hot options of networks and logarithms of their costs, (N, D) each."""


@dataclass(frozen=True)
class KernelHyperparameters:
    """View weights, length scale and noise of a kernel, and its share in the average."""

    weights: tuple[float, float]
    length: float
    noise: float
    share: float


@dataclass(frozen=True)
class _FittedKernel:
    """The inverse covariance of the observations, times their targets, and the process variance."""

    hyperparameters: KernelHyperparameters
    inverse: Floats
    solved: Floats
    scale: float


class Surrogate:
    """Model of one objective, from the means (N,) of `counts` measurements of N networks.

    `hyperparameters` are those of an earlier model, to be used again.
    """

    def __init__(
        self,
        observed: Views,
        values: Floats,
        counts: Floats,
        hyperparameters: Sequence[KernelHyperparameters] | None = None,
    ) -> None:
        self.observed, self.counts = observed, counts
        self.units = [_unit(view) for view in self.observed]
        self.mean_value, self.std = float(values.mean()), float(values.std()) or 1.0
        self.targets = (values - self.mean_value) / self.std
        self.distances = self._squares(self.observed)
        self.hyperparameters = hyperparameters or self._likeliest()
        self.kernels = [self._fit(chosen) for chosen in self.hyperparameters]

    def predict(self, *views: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the value without noise, each of shape (N,)."""
        squares = self._squares(views)
        mean, square = np.zeros((2, len(views[0])))
        for fitted in self.kernels:
            chosen = fitted.hyperparameters
            covariance = _kernel(squares, chosen.weights, chosen.length)
            conditional_mean = covariance @ fitted.solved
            explained = ((covariance @ fitted.inverse) * covariance).sum(1)
            mean += chosen.share * conditional_mean
            variance = fitted.scale * (1 - explained).clip(min=0)
            square += chosen.share * (variance + conditional_mean**2)
        spread = np.sqrt((square - mean**2).clip(min=1e-12))
        return self.mean_value + self.std * mean, self.std * spread

    def mean(self, *views: Floats) -> Floats:
        """The mean that `predict` gives, shape (N,), without the deviation, which takes longer."""
        squares = self._squares(views)
        mean = np.zeros(len(views[0]))
        for fitted in self.kernels:
            chosen = fitted.hyperparameters
            covariance = _kernel(squares, chosen.weights, chosen.length)
            mean += chosen.share * (covariance @ fitted.solved)
        return self.mean_value + self.std * mean

    def _likeliest(self) -> list[KernelHyperparameters]:
        """The hyperparameters of the greatest marginal likelihood, at most AVERAGED of them."""
        latest = slice(-MAX_FITTED, None)
        distances = [squares[latest, latest] for squares in self.distances]
        targets, counts = self.targets[latest], self.counts[latest]
        likelihoods = np.array([_likelihood(_noisy(distances, *g, counts), targets) for g in GRID])
        best = np.argsort(-likelihoods, kind="stable")[:AVERAGED]
        shares = np.exp(likelihoods[best] - likelihoods[best[0]])
        shares /= shares.sum()
        chosen = []
        for i, share in zip(best, shares, strict=True):
            weights, length, noise = GRID[i]
            chosen.append(KernelHyperparameters(weights, length, noise, float(share)))
        return chosen

    def _fit(self, chosen: KernelHyperparameters) -> _FittedKernel:
        matrix = _noisy(self.distances, chosen.weights, chosen.length, chosen.noise, self.counts)
        inverse = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
        solved = inverse @ self.targets
        return _FittedKernel(chosen, inverse, solved, _scale(self.targets, solved))

    def _squares(self, views: Sequence[Floats]) -> list[Floats]:
        """Squared distances to the observations in each view, in units of those between them."""
        return [
            _distances(view, observed) / unit
            for view, observed, unit in zip(views, self.observed, self.units, strict=True)
        ]


def _likelihood(matrix: Floats, targets: Floats) -> float:
    """The log marginal likelihood up to a constant, with the best scale of the process."""
    scale = _scale(targets, np.asarray(np.linalg.solve(matrix, targets), dtype=np.float64))
    return float(-0.5 * len(targets) * np.log(scale) - 0.5 * np.linalg.slogdet(matrix)[1])


def _scale(targets: Floats, solved: Floats) -> float:
    return max(float(targets @ solved) / len(targets), 1e-9)


def _noisy(
    squares: Sequence[Floats],
    weights: tuple[float, float],
    length: float,
    noise: float,
    counts: Floats,
) -> Floats:
    """The covariance of the observations: the kernel and the noise of means of `counts` values."""
    return _kernel(squares, weights, length) + np.diag(noise / counts)


def _distances(first: Floats, second: Floats) -> Floats:
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T
    return np.asarray(squares.clip(min=0), dtype=np.float64)


def _unit(view: Floats) -> float:
    """The mean squared distance between different rows."""
    count = len(view)
    return float(_distances(view, view).sum()) / max(count * (count - 1), 1) or 1.0


def _kernel(
    squares: Sequence[Floats], weights: tuple[float, float], length: float
) -> NDArray[np.float64]:
    parts = zip(weights, squares, strict=True)
    return np.sum([w * np.exp(-square / (2 * length**2)) for w, square in parts], axis=0)
