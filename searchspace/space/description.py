"""What is in a search space, printed: decisions, number of networks, costs."""

from pathlib import Path
from random import Random
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from searchspace.cost import Form
from searchspace.errors import InputError
from searchspace.space.named_spaces import named_space, spaces
from searchspace.space.reading import read_space
from searchspace.space.space import Space
from searchspace.space.tree import all_decisions

BINS = 20
BAR = 40
ENDINGS = ".yaml", ".yml", ".json"


def open_space(name: str) -> Space:
    """A space by its name, or the one in a YAML or JSON file."""
    if name in spaces():
        return named_space(name)
    if Path(name).suffix in ENDINGS or Path(name).exists():
        return read_space(name)
    raise InputError(
        f"unknown space {name!r}; expected a file that ends in {', '.join(ENDINGS)} or one of "
        f"{', '.join(spaces())}"
    )


def describe(described: Space, console: Console, *, form: Form, samples: int, seed: int) -> None:
    """Print slots, options, size, cost range and a histogram of costs."""
    backbones = ", ".join(backbone.label() for backbone in described.backbones)
    console.print(f"{described.name or 'space'}: {backbones}, {described.input_size} px")
    console.print(_decisions(described))
    size = described.size()
    console.print(f"distinct networks: {size:,}" + (f" ({size:.2e})" if size > 10**6 else ""))
    console.print(_range(described, form))
    rows = described.sample_rows(samples, Random(seed))
    macs, params = described.price(rows, form)
    for title, values in ("MACs", macs), ("parameters", params):
        console.print(f"\n{title}, {form} form, of {samples:,} networks drawn uniformly")
        for line in histogram(values):
            console.print(line)


def _decisions(described: Space) -> Table:
    """Decisions with the same options share a row; those without alternatives are left out."""
    labels: dict[str, dict[str, None]] = {}
    names: dict[str, str] = {}
    for decision in all_decisions(described.root):
        if len(decision.options) > 1 or any(decision.options[0].sets.values()):
            labels.setdefault(decision.name, {}).update(dict.fromkeys(decision.labels))
            several = decision.names != (decision.name,)
            slots = f"{decision.name}: {', '.join(decision.names)}"
            names[decision.name] = slots if several else decision.name
    rows: dict[tuple[str, ...], list[str]] = {}
    for name, options in labels.items():
        rows.setdefault(tuple(options), []).append(names[name])
    table = Table("decisions", "options of each", show_lines=True)
    for alike, members in rows.items():
        table.add_row("\n".join(members), "\n".join(alike))
    return table


def _range(described: Space, form: Form) -> Table:
    table = Table("", "least", "greatest", title=f"cost, {form} form")
    quantities: tuple[tuple[Literal["macs", "params"], str], ...]
    quantities = ("macs", "MACs"), ("params", "parameters")
    for by, title in quantities:
        ends = [described.extreme(by, pick, form) for pick in (min, max)]
        costs = [getattr(described.cost(network, form), by) for network in ends]
        table.add_row(title, *(f"{cost:,}" for cost in costs))
    return table


def histogram(values: NDArray[np.int64], bins: int = BINS) -> list[str]:
    """A line for each bin: its lower edge, a bar, and how many values it holds."""
    if values.min() == values.max():
        return [f"{int(values[0]):,} {'█' * BAR} {len(values)}"]
    counts, edges = np.histogram(values, bins)
    width = len(f"{int(edges[-1]):,}")
    most = max(int(counts.max()), 1)
    return [
        f"{int(edge):>{width},} {'█' * round(BAR * count / most):<{BAR}} {count}"
        for edge, count in zip(edges[:-1], counts, strict=True)
    ]
