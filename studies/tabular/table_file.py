"""Tables of networks that were trained elsewhere, from npz files.

A file holds arrays: `shape` (slots,), the number of options of each slot; `seen` (runs, networks)
or (runs, networks, epochs), the accuracies in [0, 1] that a search sees; `truth` (networks,), those
that its front is judged by; `macs` and `params` (networks,). Network i has the digits of i in the
mixed radix of `shape`, the first slot being the most significant. Other arrays are ignored.
"""

import zipfile
from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchspace import CoConv, Cost, InputError, ResNetCifar
from searchspace.architecture import Architecture
from searchspace.cost import Form
from searchspace.space import Limits, Rule, Space
from studies.tabular.benchmark_table import BenchmarkTable, read_table
from studies.tabular.digits_space import SPACE, TABLE, TASK

Prices = NDArray[np.int64]
ARRAYS = ("shape", "seen", "truth", "macs", "params")
PACKAGED = ("digits", "macro")
"""Tables that come with the package (`studies/tabular/tables`)."""
MAX_NETWORKS = 1_000_000
MAX_OPTIONS = 64


class TableSpace(Space):
    """Stand-ins for the networks of a table: option k of a slot is CoConv with k + 1 experts.

    A sampler sees which options are the same and what each network costs, which is the table's.
    Nothing can be trained, and there are no limits.
    """

    radix: NDArray[np.int64]
    prices: tuple[Prices, Prices]
    """MACs and parameters, each of shape (networks,)."""

    @classmethod
    def shaped(cls, shape: Sequence[int], macs: Prices, params: Prices, name: str) -> "TableSpace":
        """Slots with so many options each."""
        backbone = ResNetCifar(depth=6 * -(-len(shape) // 6) + 2, width=1)
        convolutions = [slot.name for slot in backbone.slots() if slot.role == "conv"]
        rules = tuple(
            Rule.of(slot, *(CoConv(k + 1) for k in range(options)))
            for slot, options in zip(convolutions, shape, strict=False)
        )
        space = cls(
            (backbone,),
            rules,
            input_size=TASK.input_size,
            num_classes=TASK.classes,
            in_chs=TASK.in_chs,
            name=name,
        )
        radix = np.cumprod([1, *reversed(shape[1:])])[::-1]
        vars(space).update(prices=(macs, params), radix=radix)
        return space

    def with_limits(self, limits: Limits | None) -> "Space":
        """The space itself; an InputError if there are limits."""
        if limits not in (None, Limits()):
            raise InputError("a space of a table has no limits on cost")
        return self

    def price(
        self, points: Any, form: Form = "deployed", size: int | None = None
    ) -> tuple[Prices, Prices]:
        """MACs and parameters of rows or architectures, each of shape (N,), from the table."""
        rows = points if isinstance(points, np.ndarray) else self.rows(points)
        columns = [self.encoding.columns[rule.slots[0]] for rule in self.rules]
        index = rows[:, columns].astype(np.int64) @ self.radix
        macs, params = self.prices
        return macs[index], params[index]

    def cost(
        self, architecture: Architecture, form: Form = "deployed", size: int | None = None
    ) -> Cost:
        """The cost of one network, from the table."""
        macs, params = self.price([architecture])
        return Cost(int(macs[0]), int(params[0]))


def open_table(name: str) -> BenchmarkTable:
    """A packaged table by name, or the one in a file; an InputError if it cannot be used."""
    if name == "digits":
        return read_table(SPACE, TABLE)
    if name in PACKAGED:
        with as_file(files("studies.tabular") / "tables" / f"{name}.npz") as file:
            return read_npz(file)
    return read_npz(Path(name))


def read_npz(file: Path) -> BenchmarkTable:
    """The table in an npz file."""
    if not file.is_file():
        raise InputError(f"table must be {', '.join(PACKAGED)} or an npz file, got {file}")
    try:
        # A file of another kind is no zip archive; numpy would read some of them as one array.
        with zipfile.ZipFile(file), np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ARRAYS if name in stored}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{file} is not an npz file of plain arrays: {error}") from None
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise InputError(
            f"{file} must hold the arrays {', '.join(ARRAYS)}; {missing[0]} is missing"
        )
    shape = _checked(file, arrays)
    seen, truth = (arrays[name].astype(float) for name in ("seen", "truth"))
    macs, params = (arrays[name].astype(np.int64) for name in ("macs", "params"))
    space = TableSpace.shaped(shape, macs, params, file.stem)
    validation = seen if seen.ndim == 3 else seen[:, :, None]
    return BenchmarkTable(space, macs.astype(float), validation, truth[None])


def _checked(file: Path, arrays: Mapping[str, NDArray[Any]]) -> list[int]:
    """The numbers of options, after all arrays were looked at."""
    shape = arrays["shape"]
    if shape.dtype.kind not in "iu" or shape.ndim != 1 or not 0 < len(shape) <= MAX_OPTIONS:
        raise InputError(f"{file}: shape must be whole numbers of options, one for each slot")
    options = [int(count) for count in shape]
    if min(options) < 1 or max(options) > MAX_OPTIONS:
        raise InputError(f"{file}: shape must hold numbers from 1 to {MAX_OPTIONS}, got {options}")
    count = int(np.prod(np.array(options, dtype=float)))
    if not 2 <= count <= MAX_NETWORKS:
        raise InputError(f"{file}: a table has 2 to {MAX_NETWORKS} networks, got {count}")
    for name in ("seen", "truth", "macs", "params"):
        array = arrays[name]
        dimensions = (2, 3) if name == "seen" else (1,)
        networks = array.shape[1 if name == "seen" else 0] if array.ndim in dimensions else -1
        if networks != count or array.size == 0:
            raise InputError(
                f"{file}: {name} must have {count} networks, as shape says, got the shape "
                f"{array.shape}"
            )
        least, most = (0.0, 1.0) if name in ("seen", "truth") else (1.0, 2.0**62)
        numbers = array.dtype.kind in "iuf"
        if not numbers or not ((array >= least) & (array <= most)).all():
            raise InputError(f"{file}: {name} must be numbers from {least:g} to {most:g}")
    return options
