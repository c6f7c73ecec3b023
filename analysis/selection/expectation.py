"""What a new training of a candidate is expected to reach."""

from dataclasses import dataclass

import pandas as pd

from analysis.selection.candidates import PickCandidate
from analysis.stats.accuracy import LogitMeans, logits

SHARE = 0.95


@dataclass(frozen=True)
class ExpectedAccuracy:
    """Validation accuracy in per cent that new trainings of a network are expected to have.

    `mean` is shrunken towards the other networks; `SHARE` of new trainings are expected from `low`
    to `high`. `networks` and `degrees` say what the spread between seeds was estimated from.
    """

    mean: float
    low: float
    high: float
    networks: int
    degrees: int

    def place(self, accuracy: float) -> str:
        """Where an accuracy lies: below, within or above."""
        return "below" if accuracy < self.low else "above" if accuracy > self.high else "within"


class Expectations:
    """What new trainings of the networks in rows of `studies.load` are expected to reach."""

    def __init__(self, rows: pd.DataFrame) -> None:
        accuracies = 100 * rows["validation_accuracy"].astype(float)
        images = rows["validation_images"] if "validation_images" in rows else float("nan")
        table = rows.assign(logit=logits(accuracies, images)).pivot_table(
            index=["arm", "size"], columns="seed", values="logit", sort=False
        )
        self._index = table.index
        self._means = LogitMeans.of(table)
        self._shrunken = self._means.shrunken()

    def of(self, candidate: PickCandidate) -> ExpectedAccuracy | None:
        """The expectation for a candidate; None if too few networks were replicated."""
        if self._shrunken is None:
            return None
        at = self._index.get_loc((candidate.arm, candidate.size))
        outside = (1 - SHARE) / 2
        low, mean, high = (
            float(self._shrunken.new_training(share)[at]) for share in (outside, 0.5, 1 - outside)
        )
        low, high = min(low, high), max(low, high)
        return ExpectedAccuracy(
            mean, low, high, int((self._means.n > 1).sum()), self._means.degrees
        )
