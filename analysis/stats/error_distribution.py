"""Empirical distributions of error over a space, with and without an operator.

A space is judged by the errors of networks drawn uniformly from it, not by its best one
(Radosavovic et al., "On Network Design Spaces for Visual Recognition", 2019): F(e) is the share of
networks with an error of at most e. Of a uniform sample of a space, the networks that have an
operator are a uniform sample of one space, those that have it nowhere of another. Errors are those
of single trainings; distributions are not reweighted to equal costs, whose medians are shown.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.stats.inference import CONFIDENCE
from studies.stats.t_tests import FAMILY_ERROR, holm

MIN_GROUP = 5
"""Networks with and without an operator that a comparison takes."""

DISTRIBUTION_COLUMNS = {
    "operator": "what some networks have in one or more places and others nowhere",
    "networks_with": "networks that have it",
    "networks_without": "networks that have it nowhere",
    "median_error_with": "median validation error of those that have it, per cent",
    "median_error_without": "the same of the others, per cent",
    "median_macs_with": "median MACs of those that have it",
    "median_macs_without": "the same of the others",
    "distance": "Kolmogorov-Smirnov distance: the largest difference of both distributions",
    "p_holm": "p-value of the two-sample Kolmogorov-Smirnov test, after Holm over the operators",
}


@dataclass(frozen=True, eq=False)
class ErrorDistribution:
    """An empirical distribution of errors in per cent, ascending, with a simultaneous band.

    `share[i]` is the share of networks with an error of at most `errors[i]`. The band covers the
    whole true distribution with 95 % (Kolmogorov-Smirnov).
    """

    errors: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OperatorEffect:
    """The distributions of a space with and without an operator."""

    operator: str
    having: ErrorDistribution
    lacking: ErrorDistribution
    distance: float
    p: float
    p_holm: float
    macs: tuple[float, float]

    @property
    def significant(self) -> bool:
        """Whether the distributions differ significantly."""
        return self.p_holm <= FAMILY_ERROR


def error_distribution(errors: Sequence[float] | NDArray[np.float64]) -> ErrorDistribution:
    """The distribution of one or more errors, each in per cent."""
    values = np.sort(np.asarray(errors, dtype=float))
    n = len(values)
    share = np.arange(1, n + 1) / n
    # Of equal errors all count.
    share = share[np.searchsorted(values, values, side="right") - 1]
    half = float(stats.kstwo.ppf(CONFIDENCE, n))
    return ErrorDistribution(
        values, share, np.clip(share - half, 0, 1), np.clip(share + half, 0, 1)
    )


def operator_effects(
    operators: Sequence[Collection[str]], errors: NDArray[np.float64], macs: NDArray[np.float64]
) -> list[OperatorEffect]:
    """For each operator that enough networks have and lack; the largest distance first.

    `operators` are those of each network, `errors` in per cent, all of the same length.
    """
    effects = []
    for operator in sorted(set().union(*operators)):
        has = np.array([operator in own for own in operators], dtype=bool)
        if min(has.sum(), (~has).sum()) < MIN_GROUP:
            continue
        test = stats.ks_2samp(errors[has], errors[~has])
        medians = float(np.median(macs[has])), float(np.median(macs[~has]))
        both = error_distribution(errors[has]), error_distribution(errors[~has])
        effects.append((operator, *both, float(test.statistic), float(test.pvalue), medians))
    adjusted = holm([p for *_, p, _ in effects])
    found = [
        OperatorEffect(operator, having, lacking, distance, p, p_holm, medians)
        for (operator, having, lacking, distance, p, medians), p_holm in zip(
            effects, adjusted, strict=True
        )
    ]
    return sorted(found, key=lambda effect: -effect.distance)


def effects_frame(effects: Sequence[OperatorEffect]) -> pd.DataFrame:
    """A row for each operator; columns are in `DISTRIBUTION_COLUMNS`."""
    rows = [
        {
            "operator": effect.operator,
            "networks_with": len(effect.having.errors),
            "networks_without": len(effect.lacking.errors),
            "median_error_with": float(np.median(effect.having.errors)),
            "median_error_without": float(np.median(effect.lacking.errors)),
            "median_macs_with": effect.macs[0],
            "median_macs_without": effect.macs[1],
            "distance": effect.distance,
            "p_holm": effect.p_holm,
        }
        for effect in effects
    ]
    return pd.DataFrame(rows, columns=list(DISTRIBUTION_COLUMNS))
