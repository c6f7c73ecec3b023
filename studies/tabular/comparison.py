"""Comparison of searchers with random search on a tabular benchmark.

Simulated searches are repeated with different seeds and paired by them. They are compared at equal
numbers of trials and, with early stopping, at equal numbers of epochs.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Literal

import numpy as np
import pandas as pd
import torch

from searchspace.markdown import markdown_table
from studies.intervals import t_half_width
from studies.samplers.pareto import Floats
from studies.tabular.benchmark_table import BenchmarkTable
from studies.tabular.simulated_search import Searcher, SearchScore, SimulatedSearch

TRIALS, LONG = 40, 200
"""Trials after which samplers are compared, and those of the long random search."""
MAX_TRIALS = 400
"""The most trials of a search with early stopping; its budget of epochs ends it before."""
CONFIDENCE = 0.95
RANDOM = Searcher("random", "random")
SEARCHERS = (
    RANDOM,
    Searcher("brute_force", "brute_force"),
    Searcher("qmc", "qmc"),
    Searcher("tpe", "tpe"),
    Searcher("nsga2", "nsga2"),
    Searcher("nsga2, population 10", "nsga2", {"population_size": 10}),
    Searcher("nsga3, population 10", "nsga3", {"population_size": 10}),
    Searcher("gp", "gp"),
    Searcher("informed", "informed"),
)
EARLY_STOPPING_SEARCHERS = tuple(
    Searcher(f"{name} + {stop}", name, {}, stop, {} if stop == "none" else {"min_epochs": 3})
    for name in ("random", "tpe", "informed")
    for stop in ("none", "asha", "mo-asha", "median")
)
RandomVerdict = Literal["beats random", "loses to random", "undecided"]
SearchRun = tuple[Searcher, int, int, int | None]
"""A searcher, a seed, and the numbers of trials and epochs that end the search."""


def score_curve(scores: Sequence[SearchScore], trials: int) -> list[float]:
    """The score after each number of trials from 1 on."""
    return [scores[min(count, len(scores)) - 1].score for count in range(1, trials + 1)]


def score_within(scores: Sequence[SearchScore], epochs: int) -> SearchScore:
    """The last score that took at most so many epochs; 0 if there is none."""
    return next((s for s in reversed(scores) if s.epochs <= epochs), SearchScore(0, 0, 0.0))


def t_interval(values: Floats, comparisons: int = 1) -> tuple[float, float, float]:
    """Mean and Student's interval, 95 % for all comparisons together (Bonferroni)."""
    mean, count = float(values.mean()), len(values)
    confidence = 1 - (1 - CONFIDENCE) / comparisons
    half = float(t_half_width(values.std(ddof=1), count, confidence))
    return mean, mean - half, mean + half


def random_verdict(low: float, high: float) -> RandomVerdict:
    """The verdict of an interval of the difference to random search."""
    return "beats random" if low > 0 else "loses to random" if high < 0 else "undecided"


def score_table(scores: dict[str, Floats], baseline: str) -> pd.DataFrame:
    """A row for each searcher: mean score, and its paired difference to the baseline's."""
    rows = []
    for name, values in scores.items():
        mean, low, high = t_interval(values)
        row: dict[str, object] = {"search": name, "score": mean, "low": low, "high": high}
        if name != baseline:
            gain, least, most = t_interval(values - scores[baseline], len(scores) - 1)
            row |= {"difference": gain, "difference_low": least, "difference_high": most}
            row["verdict"] = random_verdict(least, most)
        rows.append(row)
    return pd.DataFrame(rows)


def run_searches(
    table: BenchmarkTable, runs: Sequence[SearchRun], workers: int
) -> list[list[SearchScore]]:
    """The scores of all simulated searches, in order, computed in so many processes."""
    run = partial(_run_search, table)
    if workers == 1:
        return [run(each) for each in runs]
    # Read when a new process imports numpy, whose threads would compete with the other processes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(run, runs, chunksize=6))


def _run_search(table: BenchmarkTable, run: SearchRun) -> list[SearchScore]:
    # The models are small: torch's threads would compete with the other processes as well.
    torch.set_num_threads(1)
    searcher, seed, trials, epochs = run
    return SimulatedSearch(table, searcher, seed).run(trials, epochs)


def compare_by_trials(
    table: BenchmarkTable, searchers: Sequence[Searcher], repeats: int, workers: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The comparison after TRIALS trials, and the mean scores after each number of trials."""
    length = {each.name: LONG if each == RANDOM else TRIALS for each in searchers}
    runs: list[SearchRun] = [
        (each, seed, length[each.name], None) for each in searchers for seed in range(repeats)
    ]
    scores = run_searches(table, runs, workers)
    curves = {
        each.name: np.array(
            [
                score_curve(search, length[each.name])
                for search in scores[i * repeats : (i + 1) * repeats]
            ]
        )
        for i, each in enumerate(searchers)
    }
    mark = curves[RANDOM.name][:, LONG - 1]
    frame = score_table({name: curve[:, TRIALS - 1] for name, curve in curves.items()}, RANDOM.name)
    frame["trials_to_mark"] = [_trials_to(curves[name], mark.mean()) for name in frame["search"]]
    intervals = [t_interval(curves[name][:, TRIALS - 1] - mark) for name in frame["search"]]
    for i, column in enumerate(("to_mark", "to_mark_low", "to_mark_high")):
        frame[column] = [interval[i] for interval in intervals]
    # The score up to the front's own worst tells more where few networks are far behind.
    frame["nadir"] = [
        np.mean([search[min(TRIALS, len(search)) - 1].nadir for search in searches])
        for searches in (scores[i * repeats : (i + 1) * repeats] for i in range(len(searchers)))
    ]
    rows = [
        (name, count + 1, *t_interval(curve[:, count]))
        for name, curve in curves.items()
        for count in range(curve.shape[1])
    ]
    return frame, pd.DataFrame(rows, columns=["search", "trials", "score", "low", "high"])


def _trials_to(curve: Floats, mark: float) -> int | None:
    """The first number of trials whose mean score is at least the mark, or None."""
    reached = np.flatnonzero(curve.mean(0) >= mark)
    return int(reached[0]) + 1 if len(reached) else None


def compare_by_epochs(
    table: BenchmarkTable, searchers: Sequence[Searcher], repeats: int, workers: int = 1
) -> pd.DataFrame:
    """The comparison after the epochs of TRIALS full trainings."""
    budget = TRIALS * table.epochs
    runs: list[SearchRun] = [
        (each, seed, MAX_TRIALS, budget) for each in searchers for seed in range(repeats)
    ]
    last = [score_within(scores, budget) for scores in run_searches(table, runs, workers)]
    by_name = {each.name: last[i * repeats : (i + 1) * repeats] for i, each in enumerate(searchers)}
    values = {name: np.array([each.score for each in scores]) for name, scores in by_name.items()}
    frame = score_table(values, searchers[0].name)
    frame["trials"] = [np.mean([each.trials for each in by_name[n]]) for n in frame["search"]]
    return frame


def markdown(frame: pd.DataFrame) -> str:
    """A comparison as a Markdown table, in per cent."""
    rows = []
    for _, row in frame.iterrows():
        cells = {"search": row["search"], "score": _interval_text(row, "score", "low", "high")}
        names = "difference", "difference_low", "difference_high"
        paired = isinstance(row["verdict"], str)
        cells["difference to random"] = _interval_text(row, *names) if paired else "–"
        cells["verdict"] = row["verdict"] if paired else "–"
        if "nadir" in frame:
            cells["score up to the front's worst"] = f"{100 * row['nadir']:.1f}"
        if "trials_to_mark" in frame:
            reached = row["trials_to_mark"]
            cells[f"reaches random@{LONG}"] = f"{reached:.0f}" if reached == reached else "no"
            mark = "to_mark", "to_mark_low", "to_mark_high"
            cells[f"less random@{LONG}"] = _interval_text(row, *mark)
        if "trials" in frame:
            cells["trials begun"] = f"{row['trials']:.0f}"
        rows.append(cells)
    return markdown_table(list(rows[0]), [list(cells.values()) for cells in rows])


def _interval_text(row: "pd.Series[float]", mean: str, low: str, high: str) -> str:
    return f"{100 * row[mean]:.1f} [{100 * row[low]:.1f}, {100 * row[high]:.1f}]"
