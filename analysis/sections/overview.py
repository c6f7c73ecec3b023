"""What a report shows first: the answer, the front, and the networks to take from it."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.data.runs import Run
from analysis.render.front_drawing import FrontDrawing, front_drawings
from analysis.render.task_words import task_words
from analysis.sections.answer import ablation_answer, basis, search_answer, short_name
from analysis.sections.front_figure import cost_name
from analysis.selection.candidates import PickCandidate
from analysis.selection.choose import Choices, Pick
from analysis.selection.headline import NamedPick, named_picks
from analysis.selection.sentences import certainty_sentences
from analysis.stats.fronts import front_info
from searchspace import Architecture, InputError
from studies.spec.words import count
from studies.stats.decisions import CONCLUSIONS
from trainers import Task

AXES = {"macs": "MACs for one image", "params": "parameters", "latency_ms": "latency, ms"}
BUDGETS = 60
"""Picks of a budget slider at most."""


@dataclass(frozen=True)
class Card:
    """A network to take, with its accuracy and costs; `network` and `key` are of the page."""

    what: str
    name: str
    value: str
    interval: str
    cost: str
    network: int
    key: str


@dataclass(frozen=True)
class TaskOverview:
    """The first screen for one task; `budgets` is what its slider shows, empty for an ablation."""

    name: str
    number: int
    answer: str
    basis: str
    drawings: tuple[FrontDrawing, ...]
    label: str
    below: int
    selected: str
    cards: tuple[Card, ...]
    cost: str
    budgets: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Overview:
    """The first screen of one run; `verdicts` are the numbers of conclusions, if it has claims."""

    run: int
    kicker: str
    question: str
    verdicts: tuple[tuple[str, int], ...]
    tasks: tuple[TaskOverview, ...]


def run_overview(run: Run, number: int) -> Overview:
    """The first screen of the report's run with this number."""
    counts: Counter[str] = Counter()
    if run.is_ablation:
        counts.update(verdict.conclusion for verdict in run.verdicts)
    verdicts = tuple((name, counts[name]) for name in CONCLUSIONS if counts[name])
    tasks = tuple(_task(run, task, index) for index, task in enumerate(run.tasks))
    ended = run.frame["key"].nunique()
    asked = max(run.experiment.min_jobs, ended)
    jobs = count(asked, "job")
    state = jobs if ended == asked else f"{ended:,} of {jobs} ended"
    kicker = f"{run.experiment.label()} · {state}"
    question = run.experiment.question
    return Overview(number, f"{kicker[0].upper()}{kicker[1:]}", question, verdicts, tasks)


def _task(run: Run, task: Task, index: int) -> TaskOverview:
    points = run.points[run.points["task"] == task.label()]
    front = front_info(points, run.main_cost)
    choices = _choices(run, task)
    answer = _answer(run, task, choices)
    numbers = dict(zip(points["arm"], points["network"], strict=True))
    cards = tuple(
        _card(run, pick, points, numbers) for pick in (named_picks(choices) if choices else [])
    )
    drawings: tuple[FrontDrawing, ...] = ()
    label = ""
    if len(front):
        axis = AXES[run.main_cost]
        drawings = tuple(
            front_drawings(front, run.main_cost, axis, run.axis, [card.key for card in cards])
        )
        label = (
            f"{run.axis} against {cost_name(run.main_cost)}: {len(front)} networks, "
            f"{int(front['on_front'].sum())} on the front"
        )
    return TaskOverview(
        name=task_words(task) if len(run.tasks) > 1 else "",
        number=index,
        # A number and its unit stay on one line.
        answer=answer.replace(" %", "\u00a0%"),
        basis=basis(run, task) if len(points) else "",
        drawings=drawings,
        label=label,
        below=drawings[0].below if drawings else 0,
        selected="Chosen by validation accuracy; the accuracies are those on test images."
        if run.is_ablation
        else "",
        cards=cards,
        cost=run.main_cost,
        budgets=_budgets(run, choices, numbers),
    )


def _choices(run: Run, task: Task) -> Choices | None:
    if run.frame.empty or task.label() not in set(run.frame["task"]):
        return None
    try:
        return Choices.of(run.frame, task.label())
    except InputError:
        return None


def _answer(run: Run, task: Task, choices: Choices | None) -> str:
    if choices is None:
        return "No answer yet: no network has an accuracy."
    if run.is_ablation:
        here = task.label()
        return ablation_answer(
            [arm for arm in run.arms if arm.task == here],
            [verdict for verdict in run.verdicts if verdict.task == here],
        )
    return search_answer(choices)


def _card(run: Run, pick: NamedPick, points: pd.DataFrame, numbers: dict[str, int]) -> Card:
    chosen = pick.chosen
    own = points[(points["arm"] == chosen.arm) & (points["view"] == str(chosen.size))].iloc[0]
    name = str(own["name"])
    interval = "" if pd.isna(own["low"]) else f"{own['low']:.1f} to {own['high']:.1f}"
    network = numbers[chosen.arm]
    return Card(
        what=pick.what,
        name=name,
        value=f"{own['mean']:.1f} %",
        interval=interval,
        cost=chosen.costs_text(),
        network=network,
        key=f"{network}:{chosen.size}",
    )


def _budgets(
    run: Run, choices: Choices | None, numbers: dict[str, int]
) -> tuple[dict[str, Any], ...]:
    """The picks of a search for rising limits on its cost, the last ones if there are very many."""
    if run.search is None or choices is None or run.main_cost not in ("macs", "params"):
        return ()
    picks = choices.by_budget("params" if run.main_cost == "params" else "macs")
    return tuple(_budget(pick, numbers) for pick in picks[-BUDGETS:])


def _budget(pick: Pick, numbers: dict[str, int]) -> dict[str, Any]:
    chosen = pick.chosen
    limit = pick.bounds.params if pick.bounds.macs is None else pick.bounds.macs
    return {
        "limit": limit,
        "name": f"{_name(chosen)}: {chosen.mean:.1f} % on validation, {chosen.costs_text()}",
        "config": Architecture.from_json(chosen.architecture).label(),
        "certainty": certainty_sentences(pick),
        "network": numbers[chosen.arm],
        "key": f"{numbers[chosen.arm]}:{chosen.size}",
    }


def _name(candidate: PickCandidate) -> str:
    return short_name(candidate.arm, candidate.trial)
