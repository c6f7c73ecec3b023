"""Limits on the cost of a network: least and most MACs and parameters."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from searchspace.checks import LARGEST_AMOUNT, MAX_SIZE, check_integer
from searchspace.cost import Form

UNLIMITED = 2**60
"""Stands for no upper limit; larger than any cost."""


@dataclass(frozen=True)
class Limits:
    """Bounds, both included, on MACs (one image) and parameters in one form at one image size.

    None is no bound; `size` None is the space's own image size.
    """

    max_macs: int | None = None
    min_macs: int | None = None
    max_params: int | None = None
    min_params: int | None = None
    form: Form = "deployed"
    size: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_macs", "min_macs", "max_params", "min_params"):
            if getattr(self, name) is not None:
                check_integer(0, int(LARGEST_AMOUNT), **{name: getattr(self, name)})
        if self.size is not None:
            check_integer(1, MAX_SIZE, size=self.size)

    def bounds(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Least and greatest (MACs, parameters), each of shape (2,)."""
        low = [self.min_macs or 0, self.min_params or 0]
        high = [UNLIMITED if most is None else most for most in (self.max_macs, self.max_params)]
        return np.array(low), np.array(high)

    def dimensions(self) -> list[int]:
        """The costs that are limited: 0 for MACs, 1 for parameters; [0] if neither is."""
        pairs = (self.max_macs, self.min_macs), (self.max_params, self.min_params)
        return [i for i, pair in enumerate(pairs) if pair != (None, None)] or [0]

    def label(self) -> str:
        """The limits that are set, for example `max_macs=4,000,000`."""
        values = {field.name: getattr(self, field.name) for field in fields(self)[:4]}
        return ", ".join(f"{n}={value:,}" for n, value in values.items() if value is not None)
