"""Architectures priced per second: the cost table of a space beside `measure`.

`python -m benchmarks.pricing`
"""

import statistics
import time
from collections.abc import Callable
from random import Random

import torch
import typer
from rich.console import Console
from rich.table import Table

from searchspace import Architecture, Cost, Space, build, deploy, named_space
from searchspace.cost import Form, measure_module

ROWS = 1_000_000
MEASURED = 5
FORMS: tuple[Form, ...] = "deployed", "training"


def seconds(call: Callable[[], object], repeats: int) -> float:
    """The median time of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measured(architecture: Architecture, size: int, form: Form) -> Cost:
    """What `measure` counts, without what it remembers."""
    network = build(architecture).eval()
    network = deploy(network) if form == "deployed" else network
    return measure_module(network, (1, 3, size, size))


def compare(priced: Space, form: Form, rows: int = ROWS, count: int = MEASURED) -> dict[str, float]:
    """Seconds for the table and architectures per second of both ways, which must agree."""
    rng = Random(0)
    drawn = priced.sample_rows(rows, rng)
    networks = [priced.sample(rng) for _ in range(count)]
    start = time.perf_counter()
    priced.price(drawn[:1], form)
    built = time.perf_counter() - start
    macs, params = priced.price(networks, form)
    times = []
    for i, network in enumerate(networks):
        start = time.perf_counter()
        cost = measured(network, priced.input_size, form)
        times.append(time.perf_counter() - start)
        assert (cost.macs, cost.params) == (macs[i], params[i]), network
    table = rows / seconds(lambda: priced.price(drawn, form), 5)
    return {"table_s": built, "measure_per_s": 1 / statistics.median(times), "table_per_s": table}


def main(names: list[str] | None = None) -> None:
    """Print both rates for the named spaces, by default `joint` and `hs`."""
    torch.set_num_threads(1)
    shown = Table("space", "form", "table built in", "measure, per s", "table, per s", "ratio")
    for name in names or ["joint", "hs"]:
        for form in FORMS:
            found = compare(named_space(name), form)
            ratio = found["table_per_s"] / found["measure_per_s"]
            shown.add_row(
                name,
                form,
                f"{found['table_s']:.1f} s",
                f"{found['measure_per_s']:.1f}",
                f"{found['table_per_s']:,.0f}",
                f"{ratio:,.0f}",
            )
    Console().print(shown)


if __name__ == "__main__":
    typer.run(main)
