"""`python -m studies.compare_searchers`: all samplers and schedulers on a table of results.

No network is trained: the table holds the curves of all networks of a small space. Searches are
repeated with different seeds, paired by them, and compared with random search: at equal numbers of
trials, and, where trials are stopped early, at equal numbers of epochs.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import torch
import typer
from rich.console import Console
from scipy.stats import t as student

from searchspace import InputError
from searchspace.cli import run_command, whole_number
from studies.ground_truth import SPACE, TABLE
from studies.samplers.pareto import Floats
from studies.tabular.replay import Replay, Step, Table, Way, read_table

TRIALS, LONG = 40, 200
"""Trials after which samplers are compared, and those of the random search that is the mark."""
REPEATS = 24
STOPPED = 400
"""Trials of a search with early stopping, at most; its epochs end it before."""
CONFIDENCE = 0.95
RANDOM = Way("random", "random")
WAYS = (
    RANDOM,
    Way("brute_force", "brute_force"),
    Way("qmc", "qmc"),
    Way("tpe", "tpe"),
    Way("nsga2", "nsga2"),
    Way("nsga2, population 10", "nsga2", {"population_size": 10}),
    Way("nsga3, population 10", "nsga3", {"population_size": 10}),
    Way("gp", "gp"),
    Way("informed", "informed"),
)
STOPPING = tuple(
    Way(f"{name} + {stop}", name, {}, stop, {} if stop == "none" else {"min_epochs": 3})
    for name in ("random", "tpe", "informed")
    for stop in ("none", "asha", "mo-asha", "median")
)
Verdict = Literal["beats random", "loses to random", "undecided"]


def curve(steps: Sequence[Step], trials: int) -> list[float]:
    """The score after each number of trials from 1 on."""
    return [steps[min(count, len(steps)) - 1].score for count in range(1, trials + 1)]


def within_epochs(steps: Sequence[Step], epochs: int) -> Step:
    """The last step that was over within so many epochs, or one without any network."""
    return next((s for s in reversed(steps) if s.epochs <= epochs), Step(0, 0, 0.0))


def interval(values: Floats, comparisons: int = 1) -> tuple[float, float, float]:
    """Mean and Student's interval, 95 % for all comparisons together (Bonferroni)."""
    mean, count = float(values.mean()), len(values)
    quantile = student.ppf(1 - (1 - CONFIDENCE) / 2 / comparisons, count - 1)
    half = float(quantile * values.std(ddof=1) / np.sqrt(count))
    return mean, mean - half, mean + half


def verdict(low: float, high: float) -> Verdict:
    """What an interval of the difference to random search says."""
    return "beats random" if low > 0 else "loses to random" if high < 0 else "undecided"


def table_of(scores: dict[str, Floats], baseline: str) -> pd.DataFrame:
    """Ways as rows: mean score, and its difference to the baseline's, paired by repeat."""
    rows = []
    for name, found in scores.items():
        mean, low, high = interval(found)
        row: dict[str, object] = {"search": name, "score": mean, "low": low, "high": high}
        if name != baseline:
            gain, least, most = interval(found - scores[baseline], len(scores) - 1)
            row |= {"difference": gain, "difference_low": least, "difference_high": most}
            row["verdict"] = verdict(least, most)
        rows.append(row)
    return pd.DataFrame(rows)


Task = tuple[Way, int, int, int | None]
"""A way, a seed, and the trials and epochs that end the search."""


def searches(table: Table, tasks: Sequence[Task], workers: int) -> list[list[Step]]:
    """All replays, in order, in so many processes."""
    search = partial(_search, table)
    if workers == 1:
        return [search(task) for task in tasks]
    # Read when a new process imports numpy, whose threads would compete with the other processes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(search, tasks, chunksize=6))


def _search(table: Table, task: Task) -> list[Step]:
    # The models are small: torch's threads would compete with the other processes as well.
    torch.set_num_threads(1)
    way, seed, trials, epochs = task
    return Replay(table, way, seed).run(trials, epochs)


def by_trials(
    table: Table, ways: Sequence[Way], repeats: int, workers: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The comparison after TRIALS trials, and all means with intervals after each trial."""
    length = {way.name: LONG if way == RANDOM else TRIALS for way in ways}
    tasks: list[Task] = [(w, seed, length[w.name], None) for w in ways for seed in range(repeats)]
    steps = searches(table, tasks, workers)
    curves = {
        way.name: np.array(
            [curve(one, length[way.name]) for one in steps[i * repeats : (i + 1) * repeats]]
        )
        for i, way in enumerate(ways)
    }
    mark = curves[RANDOM.name][:, LONG - 1]
    found = table_of({name: scores[:, TRIALS - 1] for name, scores in curves.items()}, RANDOM.name)
    found["trials_to_mark"] = [_reached(curves[name], mark.mean()) for name in found["search"]]
    ends = [interval(curves[name][:, TRIALS - 1] - mark) for name in found["search"]]
    for i, column in enumerate(("to_mark", "to_mark_low", "to_mark_high")):
        found[column] = [end[i] for end in ends]
    rows = [
        (name, count + 1, *interval(scores[:, count]))
        for name, scores in curves.items()
        for count in range(scores.shape[1])
    ]
    return found, pd.DataFrame(rows, columns=["search", "trials", "score", "low", "high"])


def _reached(scores: Floats, mark: float) -> int | None:
    """The first number of trials whose mean score is at least the mark's."""
    enough = np.flatnonzero(scores.mean(0) >= mark)
    return int(enough[0]) + 1 if len(enough) else None


def by_epochs(table: Table, ways: Sequence[Way], repeats: int, workers: int = 1) -> pd.DataFrame:
    """The comparison after the epochs of TRIALS full trainings."""
    budget = TRIALS * table.epochs
    tasks: list[Task] = [(way, seed, STOPPED, budget) for way in ways for seed in range(repeats)]
    ends = [within_epochs(steps, budget) for steps in searches(table, tasks, workers)]
    by_way = {way.name: ends[i * repeats : (i + 1) * repeats] for i, way in enumerate(ways)}
    scores = {name: np.array([step.score for step in steps]) for name, steps in by_way.items()}
    found = table_of(scores, ways[0].name)
    found["trials"] = [np.mean([step.trials for step in by_way[n]]) for n in found["search"]]
    return found


def markdown(frame: pd.DataFrame) -> str:
    """A comparison as a Markdown table, in per cent."""
    rows = []
    for _, row in frame.iterrows():
        cells = {"search": row["search"], "score": _span(row, "score", "low", "high")}
        names = "difference", "difference_low", "difference_high"
        paired = isinstance(row["verdict"], str)
        cells["difference to random"] = _span(row, *names) if paired else "–"
        cells["verdict"] = row["verdict"] if paired else "–"
        if "trials_to_mark" in frame:
            reached = row["trials_to_mark"]
            cells[f"reaches random@{LONG}"] = f"{reached:.0f}" if reached == reached else "no"
            cells[f"less random@{LONG}"] = _span(row, "to_mark", "to_mark_low", "to_mark_high")
        if "trials" in frame:
            cells["trials begun"] = f"{row['trials']:.0f}"
        rows.append(cells)
    lines = [" | ".join(rows[0]), " | ".join("---" for _ in rows[0])]
    lines += [" | ".join(cells.values()) for cells in rows]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def _span(row: "pd.Series[float]", mean: str, low: str, high: str) -> str:
    return f"{100 * row[mean]:.1f} [{100 * row[low]:.1f}, {100 * row[high]:.1f}]"


def compare(
    repeats: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Searches of each kind.")
    ] = REPEATS,
    workers: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="Processes [default: all cores]."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Sampler to compare; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for CSV and Markdown files.")] = None,
) -> int:
    """Compare all searchers with random search on a table of trained networks."""
    if repeats < 2:
        raise InputError(f"--repeats must be at least 2, got {repeats}")
    known = list(dict.fromkeys(way.sampler for way in WAYS))
    for name in only or ():
        if name not in known:
            raise InputError(f"--only must be one of {', '.join(known)}, got {name!r}")
    wanted = {"random", *(only or known)}
    table, workers = read_table(SPACE, TABLE), workers or os.cpu_count() or 1
    console = Console(soft_wrap=True)
    trials, curves = by_trials(table, [w for w in WAYS if w.sampler in wanted], repeats, workers)
    console.print(f"All {SPACE.size()} networks trained: {100 * table.ceiling():.1f} %.\n")
    console.print(f"After {TRIALS} trials ({repeats} searches each, in % of the best front):\n")
    print(markdown(trials))
    epochs = by_epochs(table, [w for w in STOPPING if w.sampler in wanted], repeats, workers)
    console.print(f"After {TRIALS * table.epochs} epochs:\n")
    print(markdown(epochs))
    if out is not None:
        _write(out, {"trials": trials, "curves": curves, "epochs": epochs})
    return 0


def _write(out: Path, frames: dict[str, pd.DataFrame]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, frame in frames.items():
            frame.to_csv(out / f"{name}.csv", index=False, float_format="%.5f")
            if name != "curves":
                (out / f"{name}.md").write_text(markdown(frame), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}") from None


if __name__ == "__main__":
    run_command(compare, "python -m studies.compare_searchers")
