"""Early stopping of trials: the settings of ASHA, MO-ASHA and median stopping.

ASHA and MO-ASHA compare trials at rungs: after `min_epochs * factor ** k` epochs, below the full
length. The best 1 / `factor` of the trials seen at a rung so far are promoted beyond it. The others
are paused there. They keep a checkpoint and can be promoted later, when worse trials have arrived.
As in both papers, a promotion is never taken back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from searchspace import InputError
from searchspace.checks import MAX_TRIALS, check_integer
from searchspace.schema import from_json
from studies.samplers.pareto import Order, by_error, by_fronts
from studies.search.stoppers import AshaStopper, MedianStopper, Stopper


@dataclass(frozen=True)
class EarlyStopping:
    """No early stopping; base class of the settings of all early stopping."""

    kind: ClassVar[str] = "none"

    def start(self, max_epochs: int) -> Stopper:
        """A stopper for trials of `max_epochs`, which has seen no report yet.

        Raises an InputError if no decision is possible before `max_epochs`.
        """
        check_integer(1, MAX_TRIALS, max_epochs=max_epochs)
        return Stopper()


@dataclass(frozen=True)
class Asha(EarlyStopping):
    """ASHA (Li et al., MLSys 2020): promotes by validation error alone.

    The first rung is at `min_epochs`, each next one at `factor` times as many epochs.
    """

    min_epochs: int = 1
    factor: int = 3

    kind: ClassVar[str] = "asha"
    order: ClassVar[Order] = staticmethod(by_error)

    def __post_init__(self) -> None:
        check_integer(1, MAX_TRIALS, min_epochs=self.min_epochs)
        check_integer(2, MAX_TRIALS, factor=self.factor)

    def rungs(self, max_epochs: int) -> tuple[int, ...]:
        """The epochs of the rungs, all below `max_epochs`."""
        epochs = []
        rung = self.min_epochs
        while rung < max_epochs:
            epochs.append(rung)
            rung *= self.factor
        return tuple(epochs)

    def start(self, max_epochs: int) -> Stopper:
        """A stopper for trials of `max_epochs`, which has seen no report yet."""
        _check_min_epochs(self.min_epochs, max_epochs)
        return AshaStopper(self.rungs(max_epochs), self.factor, type(self).order)


@dataclass(frozen=True)
class MoAsha(Asha):
    """MO-ASHA (Schmucker et al., arXiv 2106.12639): ASHA with several objectives.

    Trials are ordered by non-dominated sorting. Within a front an epsilon-net orders them, so the
    promoted trials are spread over the front.
    """

    kind: ClassVar[str] = "mo-asha"
    order: ClassVar[Order] = staticmethod(by_fronts)


@dataclass(frozen=True)
class MedianStopping(EarlyStopping):
    """Median stopping (Golovin et al., KDD 2017, Section 3.2.2), among trials of no greater cost.

    From `min_epochs` on, a trial is stopped if its least error so far is above the median of the
    mean errors of other trials over the same epochs. It is compared only with trials that trained
    as long and whose costs are no greater, so a small network is not measured against large ones.
    With fewer than `min_trials` such trials it goes on. Of several points the first one counts.
    """

    min_epochs: int = 1
    min_trials: int = 5

    kind: ClassVar[str] = "median"

    def __post_init__(self) -> None:
        check_integer(1, MAX_TRIALS, min_epochs=self.min_epochs, min_trials=self.min_trials)

    def start(self, max_epochs: int) -> Stopper:
        """A stopper for trials of `max_epochs`, which has seen no report yet."""
        _check_min_epochs(self.min_epochs, max_epochs)
        return MedianStopper(self.min_epochs, max_epochs, self.min_trials)


def _check_min_epochs(min_epochs: int, max_epochs: int) -> None:
    check_integer(1, MAX_TRIALS, max_epochs=max_epochs)
    if min_epochs >= max_epochs:
        raise InputError(
            f"min_epochs must be below the {max_epochs} epochs of a trial, got {min_epochs}"
        )


SCHEDULERS: Mapping[str, type[EarlyStopping]] = {
    settings.kind: settings for settings in (EarlyStopping, Asha, MoAsha, MedianStopping)
}
"""Early stopping by the name that a search gives as its scheduler."""


def early_stopping(name: str, settings: Mapping[str, Any]) -> EarlyStopping:
    """The early stopping with this name and settings; an InputError names a wrong setting."""
    if name not in SCHEDULERS:
        raise InputError(f"scheduler must be one of {', '.join(SCHEDULERS)}, got {name!r}")
    return from_json(SCHEDULERS[name], dict(settings), f"scheduler {name}")
