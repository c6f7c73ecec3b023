"""What the papers print about a network: accuracy and cost, and the cell of the table.

The `tables` of each paper hold these rows; studies, fronts, the cost audit and the documents
derive from them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from studies.spec.ablation import Published

Quantity = Literal["macs", "params", "saving"]
"""MACs, parameters, or per cent of parameters compared with the standard network (negative)."""

UNITS = {"M": 10**6, "G": 10**9, "Mi": 2**20, "%": 1}


@dataclass(frozen=True)
class PrintedCost:
    """One printed cost, such as 1.822G, under the header `column`.

    `figure` has the printed digits and a unit: M is 1e6, G 1e9, Mi 2^20. The networks are names of
    `searchspace.named`; the figure is about their sum, or their mean where it is a saving.
    `reason` says why our count by the paper's convention differs, and is empty where it agrees.
    """

    quantity: Quantity
    figure: str
    column: str
    networks: tuple[str, ...]
    reason: str = ""

    @property
    def digits(self) -> str:
        """The figure without its unit."""
        return self.figure.rstrip("MGi%")

    @property
    def unit(self) -> str:
        """The unit as printed."""
        return self.figure.removeprefix(self.digits)

    @property
    def value(self) -> float:
        """The figure in units of one (savings: in per cent)."""
        return float(Decimal(self.digits) * UNITS[self.unit])


@dataclass(frozen=True)
class PrintedRow:
    """What one row of a table prints about one network on one dataset.

    `table` is "Table 3" or a section; `dataset` is the `kind` of our task. `network` is the
    network's name in `searchspace.named`, if it has one, and `arm` its name in the studies, if any
    cites it. `accuracy` or `error` is top-1 in per cent, with the printed digits. `size` is the
    input size in pixels of a network that has several. Rows of one table line share their costs.
    `note` names the way of counting, or how the printed figure was read.
    """

    paper: str
    table: str
    row: str
    dataset: str
    network: str = ""
    arm: str = ""
    accuracy: str = ""
    error: str = ""
    size: int | None = None
    costs: tuple[PrintedCost, ...] = ()
    note: str = ""

    @property
    def top1(self) -> float:
        """The top-1 accuracy in per cent, with as many digits as the printed figure."""
        return float(self.accuracy or 100 - Decimal(self.error))

    def cost(self, quantity: Quantity) -> float | None:
        """The printed MACs or parameters in units of one; None where the row has none."""
        return next((cost.value for cost in self.costs if cost.quantity == quantity), None)

    def published(self) -> Published:
        """The row as a published point of the arm `arm`."""
        return Published(
            self.dataset,
            self.arm,
            self.top1,
            f"{self.paper} {self.table}",
            self.size,
            macs=self.cost("macs"),
            params=self.cost("params"),
            note=self.note,
        )


def published(rows: Iterable[PrintedRow]) -> tuple[Published, ...]:
    """The published points of all rows that some arm stands for."""
    return tuple(row.published() for row in rows if row.arm)


def renamed(rows: Iterable[PrintedRow], prefix: str) -> tuple[PrintedRow, ...]:
    """The rows whose arms start with `prefix`, under names without it."""
    return tuple(
        replace(row, arm=row.arm.removeprefix(prefix)) for row in rows if row.arm.startswith(prefix)
    )


def parse_table(table: str) -> list[list[str]]:
    """The cells of a table that is typed as text: a line for each row, | between columns."""
    rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    if len({len(row) for row in rows}) != 1:
        raise ValueError(f"all rows must have as many columns, got {[len(row) for row in rows]}")
    return rows
