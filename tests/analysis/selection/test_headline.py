"""The networks that a report names first."""

from analysis.selection.choose import Choices
from analysis.selection.headline import FAR, named_picks
from tests.analysis.selection.test_choose import THREE, frame, rows


def test_best_cheapest_near_it_and_knee_are_named_each_once() -> None:
    assert [(pick.what, pick.chosen.arm) for pick in named_picks(Choices.of(THREE))] == [
        ("Most accurate and cheapest within 1 point", "large"),
        ("Knee of the front", "middle"),
    ]


def test_a_knee_far_below_the_best_is_not_named() -> None:
    def names(middle: float) -> list[str]:
        arms = (
            rows("small", [20], macs=100_000),
            rows("middle", [middle], macs=200_000),
            rows("large", [90], macs=1_600_000),
        )
        return [pick.chosen.arm for pick in named_picks(Choices.of(frame(*arms)))]

    assert names(90 - FAR + 0.1) == ["large", "middle"]
    assert names(90 - FAR - 0.1) == ["large"]
