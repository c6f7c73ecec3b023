"""A model of what training measures, from the networks measured so far.

A Gaussian process whose kernel is a sum over three views of a network: which label each decision
has, how often each label occurs anywhere, and what the network costs. Of a small grid of scales the
likeliest are averaged over, weighted by their marginal likelihood (Rasmussen and Williams, Gaussian
Processes for Machine Learning, chapters 2 and 5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from searchspace.space import Space
from searchspace.space.encoding import Rows
from studies.samplers.pareto import Floats

WEIGHTS = ((0.34, 0.33, 0.33), (0.6, 0.2, 0.2), (0.2, 0.6, 0.2), (0.2, 0.2, 0.6))
"""Shares of the three views in the variance."""
LENGTHS = (0.7, 1.4, 2.8)
"""In root mean square distances between the networks measured."""
NOISES = (0.03, 0.1, 0.3)
"""Variances of one measurement, of the variance between networks."""
GRID = tuple(product(WEIGHTS, LENGTHS, NOISES))
FITTED = 64
"""Networks by which settings are weighted, at most: the latest ones."""
BEST = 5
"""Settings that are averaged over, the likeliest ones."""


class Views:
    """The three views of rows of a space as vectors."""

    def __init__(self, space: Space) -> None:
        self.space = space
        labels = [list(column) for column in space.layout.labels.values()]
        names = sorted({label for column in labels for label in column})
        place = {name: i for i, name in enumerate(names)}
        self.width = len(names)
        self.occurs = [np.array([place[label] for label in column]) for column in labels]

    def __call__(self, rows: Rows) -> tuple[Floats, Floats, Floats]:
        """One-hot answers, counts of labels, logarithms of deployed MACs and parameters."""
        count = np.arange(len(rows))
        answers = np.zeros((len(rows), sum(len(found) for found in self.occurs)))
        counts = np.zeros((len(rows), self.width))
        start = 0
        for column, found in zip(rows.T, self.occurs, strict=True):
            here = column >= 0
            answers[count[here], start + column[here]] = 1.0
            counts[count[here], found[column[here]]] += 1.0
            start += len(found)
        return answers, counts, np.log1p(np.stack(self.space.price(rows), 1))


@dataclass(frozen=True)
class Setting:
    """Scales of the kernel and of the noise, and the share of this setting in the mixture."""

    weights: tuple[float, float, float]
    length: float
    noise: float
    share: float


@dataclass(frozen=True)
class _Fit:
    """What predictions with one setting need of the seen."""

    setting: Setting
    inverse: Floats
    solved: Floats
    scale: float


class Surrogate:
    """What is known of one measured value: (N, columns) rows, N values and how often measured.

    `settings` are those of an earlier surrogate, to be used again.
    """

    def __init__(
        self,
        views: Views,
        rows: Rows,
        values: Floats,
        counts: Floats,
        settings: Sequence[Setting] | None = None,
    ) -> None:
        self.views, self.seen, self.counts = views, views(rows), counts
        self.units = [_unit(view) for view in self.seen]
        self.mean, self.std = float(values.mean()), float(values.std()) or 1.0
        self.targets = (values - self.mean) / self.std
        self.own = self._squares(self.seen)
        self.settings = settings or self._settings()
        self.fits = [self._fit(setting) for setting in self.settings]

    def predict(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the value without noise, each of shape (N,)."""
        squares = self._squares(self.views(rows))
        mean, square = np.zeros(len(rows)), np.zeros(len(rows))
        for fit in self.fits:
            share = fit.setting.share
            across = _kernel(squares, fit.setting.weights, fit.setting.length)
            each = across @ fit.solved
            explained = ((across @ fit.inverse) * across).sum(1)
            mean += share * each
            square += share * (fit.scale * (1 - explained).clip(min=0) + each**2)
        spread = np.sqrt((square - mean**2).clip(min=1e-12))
        return self.mean + self.std * mean, self.std * spread

    def _settings(self) -> list[Setting]:
        """Those that explain the latest networks best, at most BEST of them, with their shares."""
        part = slice(-FITTED, None)
        near = [squares[part, part] for squares in self.own]
        targets, counts = self.targets[part], self.counts[part]
        likely = np.array([_likelihood(_noisy(near, *g, counts), targets) for g in GRID])
        best = np.argsort(-likely, kind="stable")[:BEST]
        shares = np.exp(likely[best] - likely[best[0]])
        shares /= shares.sum()
        chosen = [(*GRID[i], float(share)) for i, share in zip(best, shares, strict=True)]
        return [Setting(*each) for each in chosen]

    def _fit(self, setting: Setting) -> _Fit:
        matrix = _noisy(self.own, setting.weights, setting.length, setting.noise, self.counts)
        inverse = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
        solved = inverse @ self.targets
        return _Fit(setting, inverse, solved, _scale(self.targets, solved))

    def _squares(self, views: Sequence[Floats]) -> list[Floats]:
        """Squared distances (N, M) to the seen in each view, in units of those between them."""
        return [
            _distances(view, seen) / unit
            for view, seen, unit in zip(views, self.seen, self.units, strict=True)
        ]


def _likelihood(matrix: Floats, targets: Floats) -> float:
    """Its logarithm, but for a constant, with the scale of the process chosen best."""
    scale = _scale(targets, np.asarray(np.linalg.solve(matrix, targets), dtype=np.float64))
    return float(-0.5 * len(targets) * np.log(scale) - 0.5 * np.linalg.slogdet(matrix)[1])


def _scale(targets: Floats, solved: Floats) -> float:
    return max(float(targets @ solved) / len(targets), 1e-9)


def _noisy(
    squares: Sequence[Floats],
    weights: tuple[float, float, float],
    length: float,
    noise: float,
    counts: Floats,
) -> Floats:
    """The kernel between the seen, with the variance of the mean of so many measurements."""
    return _kernel(squares, weights, length) + np.diag(noise / counts)


def _distances(first: Floats, second: Floats) -> Floats:
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T
    return np.asarray(squares.clip(min=0), dtype=np.float64)


def _unit(view: Floats) -> float:
    """The mean squared distance between different rows."""
    count = len(view)
    return float(_distances(view, view).sum()) / max(count * (count - 1), 1) or 1.0


def _kernel(
    squares: Sequence[Floats], weights: tuple[float, float, float], length: float
) -> NDArray[np.float64]:
    parts = zip(weights, squares, strict=True)
    return np.sum([w * np.exp(-square / (2 * length**2)) for w, square in parts], axis=0)
