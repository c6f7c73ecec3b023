"""Two forms of one computation, timed in turn so that a machine's moods reach both alike."""

import json
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

Call = Callable[[], object]


@dataclass(frozen=True)
class Pair:
    """Median milliseconds of both forms, the median and quartiles of slow / fast, and their best.

    `best` is the ratio of the two shortest times, which other work on the machine disturbs least.
    """

    slow_ms: float
    fast_ms: float
    ratio: float
    low: float
    high: float
    best: float


def paired(slow: Call, fast: Call, repeats: int = 15, device: str = "cpu") -> Pair:
    """Time both calls in turn, each after a call of its own that is not timed."""
    timed = _gpu_milliseconds if device.startswith("cuda") else _milliseconds
    return pair_of([(timed(slow), timed(fast)) for _ in range(repeats)])


def pair_of(times: Sequence[tuple[float, float]]) -> Pair:
    """Milliseconds of both forms, measured in turn two or more times, summarised."""
    ratios = [first / second for first, second in times]
    low, ratio, high = statistics.quantiles(ratios, n=4)
    columns = list(zip(*times, strict=True))
    slow_ms, fast_ms = map(statistics.median, columns)
    shortest, ours = map(min, columns)
    return Pair(slow_ms, fast_ms, ratio, low, high, shortest / ours)


def _milliseconds(call: Call) -> float:
    # The untimed call leaves the caches and the allocator as this form leaves them.
    call()
    start = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - start)


def _gpu_milliseconds(call: Call) -> float:
    """Between two events on the GPU, which include its waits for the host."""
    call()
    torch.cuda.synchronize()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    call()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end)


def training_step(module: nn.Module, *inputs: Tensor) -> Call:
    """A call of `module` forward and backward, to its parameters and to its inputs."""
    leaves = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    with torch.no_grad():
        gradient = torch.randn_like(module(*leaves))
    targets = [*leaves, *module.parameters()]

    def step() -> object:
        return torch.autograd.grad(module(*leaves), targets, gradient)

    return step


def show(title: str, rows: Iterable[tuple[str, Pair]], out: Path | None = None) -> None:
    """Print one line for each case and the median ratio of all; append them as JSON lines too."""
    from rich.console import Console
    from rich.table import Table

    table = Table("case", "definition ms", "ours ms", "ratio", "quartiles", "best", title=title)
    ratios = []
    for case, pair in rows:
        ratios.append(pair.ratio)
        if out is not None:
            with out.open("a") as file:
                file.write(json.dumps({"benchmark": title, "case": case, **asdict(pair)}) + "\n")
        table.add_row(
            case,
            f"{pair.slow_ms:.2f}",
            f"{pair.fast_ms:.2f}",
            f"{pair.ratio:.2f}",
            f"{pair.low:.2f} to {pair.high:.2f}",
            f"{pair.best:.2f}",
        )
    table.add_section()
    table.add_row("median", "", "", f"{statistics.median(ratios):.2f}", "", "")
    Console().print(table)
