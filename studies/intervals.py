"""Student's t interval of a mean."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def t_half_width(sd: Any, n: Any, confidence: float, degrees: Any = None) -> NDArray[np.float64]:
    """Half the width of Student's t interval of a mean of n values; arrays are allowed.

    `degrees` of freedom are n - 1 unless `sd` was estimated from other values too.
    """
    # Commands that only print help or a list need not wait for this import.
    from scipy.stats import t

    degrees = n - 1 if degrees is None else degrees
    return np.asarray(t.ppf(1 - (1 - confidence) / 2, degrees) * sd / np.sqrt(n))
