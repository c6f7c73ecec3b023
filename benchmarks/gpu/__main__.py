"""Runs the parts one after the other while there is time; a table, and all rows as one JSON file.

What a part raises is a row of it, and the next part goes on: a figure that is missing has a reason.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.gpu.rows import Row, Rows, Settings, StopPart

NEEDED = {"engine": ("ray", "optuna", "fvcore")}
"""Packages, beyond torch, that a part needs."""


def parts() -> dict[str, Callable[[Settings], Rows]]:
    """All parts by their names, what matters most first."""
    from benchmarks.gpu import card, engine, equality, speed

    return {
        "equality": equality.equality,
        "layers": speed.layers,
        "epoch": speed.epoch,
        "networks": speed.whole_networks,
        "several sizes": speed.several_sizes,
        "memory": card.memory,
        "repeatability": speed.price_of_repeatability,
        "latency": card.latency,
        "several cards": card.several_cards,
        "sharing": card.sharing,
        "engine": engine.engine,
    }


def run(settings: Settings, chosen: list[str] | None = None) -> list[Row]:
    """The rows of all parts, or of those chosen; each is printed as it comes."""
    rows: list[Row] = []
    for name, part in parts().items():
        if chosen is None or name in chosen:
            for row in _rows(name, part, settings):
                rows.append(row)
                print(line(row), flush=True)
    return rows


def _rows(name: str, part: Callable[[Settings], Rows], settings: Settings) -> Rows:
    missing = [package for package in NEEDED.get(name, ()) if find_spec(package) is None]
    if missing:
        yield Row(name, "", note=f"left out: it needs {', '.join(missing)}")
        return
    if settings.left() <= 0:
        yield Row(name, "", note="left out: no time")
        return
    try:
        yield from part(settings)
    except StopPart as stop:
        yield Row(name, "", note=str(stop))
    except Exception as error:
        # The next part is worth having.
        first = (str(error).strip().splitlines() or [""])[0]
        yield Row(name, "", ok=False, note=f"{type(error).__name__}: {first}")


def line(row: Row) -> str:
    """A row of the table."""
    value = "" if row.value is None else f"{row.value:.4g} {row.unit}"
    goal = "" if row.goal is None else f"(goal {row.goal:g})"
    mark = {True: "ok", False: "NO", None: ""}[row.ok]
    return f"{row.part:14} {row.case:48} {value:22} {goal:11} {mark:3} {row.note}".rstrip()


def machine(settings: Settings) -> dict[str, Any]:
    """The card and the versions that figures hold for."""
    import torch

    card = torch.cuda.get_device_name() if settings.gpu else platform.processor()
    return {
        "device": settings.device,
        "card": card,
        "cards": torch.cuda.device_count(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "python": platform.python_version(),
    }


def command_line() -> argparse.ArgumentParser:
    """The options: of the standard library, for a machine that has torch and little else."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--minutes", type=float, default=9.0, help="stop after so long")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to try the command")
    parser.add_argument("--tiny", action="store_true", help="shapes of a test")
    parser.add_argument("--part", action="append", help="only this part; again for others")
    parser.add_argument("--out", type=Path, default=Path("gpu.json"), help="the JSON file")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run, print and write; 1 if a figure is not what it should be."""
    parser = command_line()
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.part or ()) - set(parts()))
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; parts are {', '.join(parts())}")
    # Before the first product on a GPU; deterministic kernels ask for it.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    if asked.device not in ("cpu", "cuda"):
        parser.error(f"--device must be cuda or cpu, got {asked.device!r}")
    if asked.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no GPU; --device cpu tries the command without one")
    if asked.device == "cpu":
        torch.set_num_threads(1)
    settings = Settings(
        asked.device, time.monotonic() + 60 * asked.minutes, "tiny" if asked.tiny else "full"
    )
    started = time.monotonic()
    rows = run(settings, asked.part)
    report = {
        "machine": machine(settings),
        "minutes": (time.monotonic() - started) / 60,
        "rows": [asdict(row) for row in rows],
    }
    asked.out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{len(rows)} rows in {asked.out}")
    return int(any(row.ok is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
