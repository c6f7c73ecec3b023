"""Accuracies on the logit scale: intervals that stay within 0 and 100 %, and shrinkage.

On the scale log(p / (1 - p)) seeds scatter about as much around good networks as around poor ones,
and no interval passes 100 %. Of many noisy means the best one has been lucky. Means are therefore
shrunken towards each other by as much as their scatter is noise (empirical Bayes: Morris 1983,
Parametric empirical Bayes inference, JASA 78, section 5).
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studies.intervals import t_half_width

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
OWN_SPREAD = 3
"""From this number of seeds on, a network's interval comes from its own spread."""
MIN_DEGREES = 3
"""Degrees of freedom between seeds below which a spread is not used for other networks."""
FEWEST = 4
"""Networks below which means are not shrunken: Morris' correction would be zero or less."""
IMAGES = 10_000
"""Images behind an accuracy whose record does not say."""


def logits(accuracies: ArrayLike, images: ArrayLike) -> Floats:
    """Accuracies in per cent on `images` images as log((k + 1/2) / (N - k + 1/2)), k of N right."""
    count = np.asarray(images, dtype=float)
    count = np.where(np.isnan(count), IMAGES, count)
    right = np.asarray(accuracies, dtype=float) / 100 * count
    result: Floats = np.log((right + 0.5) / (count - right + 0.5))
    return result


def percent(values: ArrayLike) -> Floats:
    """Logits as accuracies in per cent."""
    result: Floats = 100 / (1 + np.exp(-np.asarray(values, dtype=float)))
    return result


@dataclass(frozen=True, eq=False)
class LogitMeans:
    """For each network the mean (J,) of its seeds' logits, their number and standard deviation.

    `spread` is the standard deviation between seeds, pooled over all networks, with its `degrees`
    of freedom; not a number without replicates.
    """

    mean: Floats
    n: NDArray[np.int64]
    sd: Floats
    spread: float
    degrees: int

    @classmethod
    def of(cls, values: ArrayLike) -> "LogitMeans":
        """From logits (J, seeds), not a number where a network lacks a seed."""
        matrix = np.asarray(values, dtype=float)
        n = (~np.isnan(matrix)).sum(axis=1)
        mean = np.nansum(matrix, axis=1) / np.maximum(n, 1)
        squares = np.nansum((matrix - mean[:, None]) ** 2, axis=1)
        sd = np.sqrt(squares / np.where(n > 1, n - 1, np.nan))
        degrees = int((n - 1).clip(min=0).sum())
        spread = sqrt(squares.sum() / degrees) if degrees else float("nan")
        return cls(mean, n, sd, spread, degrees)

    def intervals(self, own_from: int = OWN_SPREAD) -> tuple[Floats, Floats]:
        """Ends of the 95 % intervals of the means, in per cent.

        Student's t from a network's own spread from `own_from` seeds on; with fewer, from the
        pooled spread, or not a number if that has fewer than three degrees of freedom.
        """
        own = self.n >= own_from
        pooled = self.spread if self.degrees >= MIN_DEGREES else np.nan
        degrees = np.where(own, self.n - 1, max(self.degrees, 1))
        half = t_half_width(np.where(own, self.sd, pooled), self.n, CONFIDENCE, degrees)
        return percent(self.mean - half), percent(self.mean + half)

    def shrunken(self) -> "Shrunken | None":
        """The means after shrinkage; None with fewer than three degrees of freedom."""
        if self.degrees < MIN_DEGREES:
            return None
        variances = self.spread**2 / self.n
        if len(self.mean) < FEWEST or not self.spread:
            return Shrunken(self.mean, np.sqrt(variances), self)
        return Shrunken(*_morris(self.mean, variances), self)


@dataclass(frozen=True, eq=False)
class Shrunken:
    """What is known of each network's true mean logit: centre and standard deviation, both (J,)."""

    centre: Floats
    sd: Floats
    measured: LogitMeans

    @property
    def factor(self) -> Floats:
        """The standard deviation as a share of that of the measured mean."""
        error = self.measured.spread / np.sqrt(self.measured.n)
        return np.divide(self.sd, error, out=np.ones_like(error), where=error > 0)

    def new_training(self, share: float) -> Floats:
        """The accuracy in per cent that a new training of each network exceeds with a probability.

        Student's t with the degrees of freedom of the spread between seeds.
        """
        from scipy.stats import t

        sd = np.sqrt(self.sd**2 + self.measured.spread**2)
        return percent(self.centre + float(t.isf(share, self.measured.degrees)) * sd)


def _morris(means: Floats, variances: Floats) -> tuple[Floats, Floats]:
    """Centres and standard deviations of the true means, given the variance of each mean's error.

    Normal true means around one centre, whose variance is found by iteration (Morris, eq. 5.1 to
    5.6 with one regressor). His factor (J - 3) / (J - 1) keeps the shrinkage below one, and the
    last term is what is not known of it.
    """
    count, between = len(means), 0.0
    for _ in range(100):
        weights = 1 / (variances + between)
        weights /= weights.sum()
        centre = float(weights @ means)
        scatter = count / (count - 1) * (means - centre) ** 2 - variances
        earlier, between = between, max(0.0, float(weights @ scatter))
        if abs(between - earlier) <= 1e-9 * float(variances.mean()):
            break
    total = variances + between
    shares = (count - 3) / (count - 1) * variances / total
    typical = (float(weights @ variances) + between) / total
    unknown = 2 / (count - 3) * shares**2 * typical * (means - centre) ** 2
    known = variances * (1 - (count - 1) / count * shares)
    return (1 - shares) * means + shares * centre, np.sqrt(known + unknown)
