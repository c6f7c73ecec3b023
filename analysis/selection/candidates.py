"""Candidates of a choice: an architecture at one input size, with costs and accuracies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan, nan
from statistics import fmean
from typing import Any

import pandas as pd

from analysis.render.numbers import engineering
from analysis.stats.accuracy import LogitMeans, logits
from analysis.stats.inference import MeanEstimate, estimate_mean
from searchspace import Architecture

CANDIDATE_COLUMNS = (
    "arm", "size", "trial", "architecture", "key", "macs", "params", "latency_ms",
    "validation_accuracy", "test_accuracy",
)  # fmt: skip
"""The columns of `studies.load` that a candidate is made of."""


@dataclass(frozen=True)
class Bounds:
    """The limits on a candidate; None is no limit.

    `macs` and `params` are numbers of the deployed form, `latency_ms` measured milliseconds, all at
    most; `accuracy` is mean validation accuracy in per cent, at least.
    """

    macs: float | None = None
    params: float | None = None
    latency_ms: float | None = None
    accuracy: float | None = None

    def excesses(self, candidate: "PickCandidate") -> dict[str, float]:
        """The ratio of value to limit for each exceeded limit; infinite for unknown values."""
        ratios = {
            "macs": _ratio(candidate.macs, self.macs),
            "params": _ratio(candidate.params, self.params),
            "latency_ms": _ratio(candidate.latency_ms, self.latency_ms),
            # An accuracy is a lower limit.
            "accuracy": _ratio(self.accuracy, candidate.mean),
        }
        return {name: ratio for name, ratio in ratios.items() if not ratio <= 1}

    def texts(self) -> dict[str, str]:
        """Each limit in words."""
        texts = {}
        if self.macs is not None:
            texts["macs"] = f"at most {engineering(self.macs)} MACs"
        if self.params is not None:
            texts["params"] = f"at most {engineering(self.params)} parameters"
        if self.latency_ms is not None:
            texts["latency_ms"] = f"at most {self.latency_ms:g} ms"
        if self.accuracy is not None:
            texts["accuracy"] = f"at least {self.accuracy:g} % validation accuracy"
        return texts


def _ratio(value: float | None, limit: float | None) -> float:
    if value is None or limit is None:
        return 0.0
    if isnan(value) or isnan(limit):
        return float("inf")
    return value / limit if limit else float("inf") * bool(value)


@dataclass(frozen=True)
class PickCandidate:
    """An architecture at one input size: its costs, and its accuracies in per cent, one a seed.

    `keys` are those of its jobs; `trial` is its number in a search, None in an ablation.
    """

    arm: str
    size: int
    trial: int | None
    architecture: Mapping[str, Any]
    keys: tuple[str, ...]
    macs: int
    params: int
    latency_ms: float
    validation_accuracies: tuple[float, ...]
    test_accuracies: tuple[float, ...]

    @property
    def name(self) -> str:
        """The name of the candidate in a sentence."""
        title = self.arm
        if self.trial is not None:
            label = Architecture.from_json(self.architecture).label()
            title = f"trial {self.trial}, {label}"
        return f"{title} at {self.size} px"

    @cached_property
    def mean(self) -> float:
        """Mean validation accuracy in per cent, which selects."""
        return fmean(self.validation_accuracies)

    @cached_property
    def validation(self) -> MeanEstimate:
        """The estimate of the mean validation accuracy."""
        return _estimate(self.validation_accuracies)

    @cached_property
    def test(self) -> MeanEstimate:
        """The estimate of the mean test accuracy."""
        return _estimate(self.test_accuracies)

    def costs_text(self) -> str:
        """The costs in words."""
        latency = "" if isnan(self.latency_ms) else f", {self.latency_ms:.3g} ms"
        return f"{engineering(self.macs)} MACs, {engineering(self.params)} parameters{latency}"


def _estimate(accuracies: Sequence[float]) -> MeanEstimate:
    """The estimate of a mean accuracy, its interval within 0 and 100 %."""
    estimate = estimate_mean(accuracies)
    low, high = LogitMeans.of([logits(accuracies, nan)]).intervals(own_from=2)
    if isnan(low[0]):
        return estimate
    ends = min(float(low[0]), estimate.mean), max(float(high[0]), estimate.mean)
    return replace(estimate, low=ends[0], high=ends[1])


def candidates(rows: pd.DataFrame) -> list[PickCandidate]:
    """A candidate for each arm and size, in the order of the rows."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    columns = {name: rows[name].tolist() for name in CANDIDATE_COLUMNS}
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(columns, values, strict=True))
        # Ten thousand trials as plain values take a fraction of a second, as frames much longer.
        groups.setdefault((str(row["arm"]), int(row["size"])), []).append(row)
    return [_candidate(arm, size, group) for (arm, size), group in groups.items()]


def _candidate(arm: str, size: int, group: Sequence[Mapping[str, Any]]) -> PickCandidate:
    first = group[0]
    return PickCandidate(
        arm=arm,
        size=size,
        trial=None if pd.isna(first["trial"]) else int(first["trial"]),
        architecture=first["architecture"],
        keys=tuple(row["key"] for row in group),
        macs=int(first["macs"]),
        params=int(first["params"]),
        latency_ms=float(first["latency_ms"]),
        validation_accuracies=tuple(100 * row["validation_accuracy"] for row in group),
        test_accuracies=tuple(100 * row["test_accuracy"] for row in group),
    )
