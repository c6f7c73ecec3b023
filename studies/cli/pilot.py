"""The A/A pilot of a study: its baseline against itself, and what the design can tell."""

from dataclasses import replace
from math import isinf

import numpy as np

from searchspace import InputError
from studies.rundir.frames import load
from studies.rundir.store import RunStore
from studies.spec.ablation import Ablation, Arm, Design
from studies.spec.pilot import Pilot
from studies.spec.words import count
from studies.stats.power import POWER, design_difference, first_level
from studies.stats.t_tests import FAMILY_ERROR, MIN_PAIRS

PAIRS = 8
WEIGHTS = (500_000, 600_000)
"""Offsets of the initial weights of both arms: no job of the study itself is trained."""
ACCURACY = (70, 95)
"""Per cent. A baseline beyond has little room, or is trained too little."""
NOTE = (
    "An A/A pilot: the baseline against itself, with other initial weights on the same images in "
    "the same order. It is judged on validation alone."
)


def pilot_ablation(ablation: Ablation, pairs: int | None) -> Ablation:
    """The baseline of a study against itself on each of the study's tasks."""
    study, design = ablation.study, ablation.design
    baseline = next(arm for arm in design.arms if arm.name == study.baseline)
    arms = tuple(
        Arm(name, baseline.architecture, baseline.recipe, offset)
        for name, offset in zip((study.baseline, f"{study.baseline} again"), WEIGHTS, strict=True)
    )
    pilot = Design(arms, design.tasks, design.recipe, pairs or PAIRS, NOTE)
    question = f"How far apart are two trainings of {study.baseline}?"
    made = replace(study, name=f"{study.name}-pilot", question=question, published=())
    return Ablation(replace(made, presets={ablation.preset: pilot}))


def measured_pilot(store: RunStore) -> Pilot:
    """What a pilot's run has found, on the task where differences scatter most."""
    frame = load(store)
    rows = frame[frame["trained"].astype(bool)].dropna(subset="validation_accuracy")
    found = []
    for task, on_task in rows.groupby("task"):
        by_arm = on_task.pivot_table("validation_accuracy", "seed", "arm", aggfunc="mean") * 100
        pairs = by_arm.dropna()
        if pairs.shape[1] == 2 and len(pairs) >= MIN_PAIRS:
            sd = float((pairs.iloc[:, 0] - pairs.iloc[:, 1]).std(ddof=1))
            found.append(Pilot(sd, len(pairs), float(np.nanmean(by_arm.to_numpy())), f"on {task}"))
    if not found:
        raise InputError(
            f"the pilot in {store.folder} has fewer than {MIN_PAIRS} pairs of trainings that "
            "finished; give more --seeds"
        )
    return max(found, key=lambda pilot: pilot.sd)


def pilot_text(design: Design, pilot: Pilot) -> str:
    """What a pilot has found and what the design can tell, in sentences."""
    low, high = ACCURACY
    text = (
        f"Baseline against itself: sd of the difference {pilot.sd:.2f} points over {pilot.pairs} "
        f"pairs; accuracy {pilot.accuracy:.1f} % ({pilot.source}; both on validation)."
    )
    if not low <= pilot.accuracy <= high:
        text += f" The baseline should be between {low} and {high} %."
    return (
        f"{text}\n{difference_text(replace(design, pilot=pilot))}\nIn a study file: pilot: "
        f"{{sd: {pilot.sd:.2f}, pairs: {pilot.pairs}, accuracy: {pilot.accuracy:.1f}}}"
    )


def difference_text(design: Design) -> str:
    """The smallest difference that a design can tell, in a sentence; empty for a pilot's own."""
    pilot = design.pilot
    if any(arm.weights_offset for arm in design.arms):
        return ""
    if pilot is None:
        return "What this run can tell is not known; --pilot trains the baseline against itself."
    smallest = design_difference(design, pilot.sd)
    if isinf(smallest):
        return f"This run can tell no difference: that takes at least {MIN_PAIRS} seeds."
    tests = round(FAMILY_ERROR / first_level(design))
    return (
        f"This run can tell differences of {smallest:.1f} points and more ({_seeds(design)}, "
        f"{POWER:.0%} power, {FAMILY_ERROR:.0%} error over {tests} hypotheses; sd of a difference "
        f"{pilot.sd:.2f} points over {pilot.pairs} pilot pairs)."
    )


def _seeds(design: Design) -> str:
    most = design.max_seeds
    return count(design.seeds, "seed") if most is None else f"up to {count(most, 'seed')}"
