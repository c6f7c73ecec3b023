"""The networks that a report names first: the most accurate, the cheapest near it, the knee."""

from dataclasses import dataclass

from analysis.selection.candidates import Bounds, PickCandidate
from analysis.selection.choose import Choices

NEAR = 1.0
"""Points of validation accuracy that a cheaper network may be below the best."""
FAR = 5.0
"""Points of validation accuracy below the best from which a knee is not named.

A cheap network whose accuracy nobody would take bends the front, too.
"""


@dataclass(frozen=True)
class NamedPick:
    """A candidate and what it is; one that is two of these is named once."""

    what: str
    chosen: PickCandidate


def named_picks(choices: Choices) -> list[NamedPick]:
    """The most accurate on validation, the cheapest within `NEAR` points of it, and the knee.

    The knee is left out where it is `FAR` points or more below the most accurate.
    """
    best = choices.pick(Bounds(), "accuracy").chosen
    near = choices.pick(Bounds(accuracy=best.mean - NEAR), "cost").chosen
    knee = choices.pick(Bounds(), "knee").chosen
    titles: dict[tuple[str, int], tuple[PickCandidate, list[str]]] = {}
    named = [(best, "most accurate"), (near, f"cheapest within {NEAR:g} point")]
    if best.mean - knee.mean < FAR:
        named.append((knee, "knee of the front"))
    for candidate, what in named:
        titles.setdefault((candidate.arm, candidate.size), (candidate, []))[1].append(what)
    return [NamedPick(_title(what), candidate) for candidate, what in titles.values()]


def _title(parts: list[str]) -> str:
    text = " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)
    return text[0].upper() + text[1:]
