"""Numbers as text for readers."""

from math import isnan
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from analysis.stats.arms import Difference

MISSING = "–"
TINY = 1e-4
"""Positive numbers below it are shown as such."""


def p_text(p: float) -> str:
    """A p-value with two digits, or the bound that it is below."""
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def engineering(number: float, digits: int = 3) -> str:
    """Significant digits (three) and a unit: 75.3 k, 1.44 M, 2.22 G."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.{digits}g} {unit}"
    return f"{number:.{max(digits, 6)}g}"


def interval_text(difference: Difference, unpaired: str = "no pairs yet") -> str:
    """A difference with its interval, in percentage points; a star if significant.

    `unpaired` says why there is no pair of seeds.
    """
    if not difference.pairs:
        return unpaired
    if isnan(difference.low):
        return f"{difference.mean:+.2f} [needs 2 seeds]"
    mark = " *" if difference.significant else ""
    return f"{difference.mean:+.2f} [{difference.low:.2f}, {difference.high:.2f}]{mark}"


def value_text(value: Any) -> str:
    """A value for a reader: four significant digits, thousands apart, a dash where missing."""
    if value is None or value is pd.NA or value != value:
        return MISSING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Integral) or (isinstance(value, float) and value.is_integer()):
        return f"{int(value):,}"
    if isinstance(value, float):
        return f"< {TINY:.4f}" if 0 < value < TINY else f"{value:.4g}"
    return str(value)
