"""What an A/A pilot found: the baseline against itself, other initial weights, same images."""

from dataclasses import dataclass

from searchspace.checks import check_at_least, check_integer


@dataclass(frozen=True)
class Pilot:
    """The scatter of a paired difference where there is none, measured on validation.

    `sd` is its standard deviation over `pairs` seeds in points, the largest over the design's
    tasks; `accuracy` is the baseline's mean in per cent, of that task; `source` says what was
    trained, and when.
    """

    sd: float
    pairs: int
    accuracy: float
    source: str = ""

    def __post_init__(self) -> None:
        check_at_least(0, 100, sd=self.sd, accuracy=self.accuracy)
        check_integer(2, pairs=self.pairs)
