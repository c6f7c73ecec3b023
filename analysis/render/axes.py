"""Logarithmic axes with round ticks."""

from collections.abc import Sequence
from math import ceil, floor, log10

from analysis.render.numbers import engineering

NARROWEST = 1e-4
"""Decades that a logarithmic axis spans at least, around values that differ."""


def log_axis(values: Sequence[float], padding: float = 0.06) -> dict[str, object]:
    """Settings of a logarithmic axis around positive `values`: a few round ticks, with units."""
    low, high = log10(min(values)), log10(max(values))
    # Equal costs get a tenth of a decade, nearly equal ones no less than about 0.02 %.
    margin = max(padding * (high - low), (NARROWEST - (high - low)) / 2) if high > low else 0.05
    ends = low - margin, high + margin
    ticks = round_ticks(10 ** ends[0], 10 ** ends[1])
    return {
        "type": "log",
        "range": ends,
        "tickvals": ticks,
        "ticktext": tick_labels(ticks),
    }


STEPS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), tuple(1 + i / 2 for i in range(18)),
         tuple(1 + i / 10 for i in range(90)))  # fmt: skip


UNEVEN = 4
"""The number of the first of `STEPS` that is finer below a power of ten than above."""


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Each tick with as many significant digits as all need to differ, three at least."""
    for digits in range(3, 16):
        labels = [engineering(tick, digits) for tick in ticks]
        if len(set(labels)) == len(labels):
            break
    return labels


def round_ticks(low: float, high: float, fewest: int = 4) -> list[float]:
    """Round numbers between two positive ones, evenly enough on a logarithmic axis.

    Over less than about a fifth of a decade they are evenly spaced multiples of a round step, as on
    a linear axis: costs of arms may differ by a hundredth of a per cent.
    """
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    ticks: list[float] = []
    for number, steps in enumerate(STEPS):
        if number == UNEVEN and high < 5 * low:
            # Finer steps change at a power of ten, which would leave one side bare.
            return linear_ticks(low, high, fewest)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= fewest:
            break
    else:
        return linear_ticks(low, high, fewest)
    skip = -(-len(ticks) // 10)
    return ticks[::skip]


def linear_ticks(low: float, high: float, fewest: int) -> list[float]:
    """Multiples of the largest of 1, 2 or 5 times a power of ten that gives at least `fewest`."""
    exponent = ceil(log10(high - low))
    for power in range(exponent, exponent - 4, -1):
        for factor in (5, 2, 1):
            step = factor * 10.0**power
            first, last = ceil(low / step), floor(high / step)
            if last - first + 1 >= fewest:
                return [count * step for count in range(first, last + 1)]
    raise ValueError(f"low < high must hold, got low={low}, high={high}")
