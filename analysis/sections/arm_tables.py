"""The arms of a study as text: accuracies and differences, costs, and a sentence on them."""

from collections.abc import Sequence
from math import isnan

from analysis.render.numbers import MISSING, engineering, interval_text, p_text
from analysis.render.tables import TextTable
from analysis.stats.arms import ArmSummary
from analysis.stats.inference import CONFIDENCE
from studies.spec.words import count
from studies.stats.t_tests import MIN_PAIRS

TRAINING_COSTS = ("s per epoch", "peak memory", "latency, ms")


def arm_table(
    arms: Sequence[ArmSummary],
    *,
    same_protocol: bool,
    compact: bool = False,
    printed: bool = True,
) -> TextTable:
    """The table of `arms`, all of one task; `compact` makes it fit a terminal of 80 columns.

    The costs that `compact` leaves out are in `cost_table`; the accuracies that the paper prints
    are in `paper_table` where they are not `printed` here.
    """
    datasets = _datasets(arms) if printed else []
    with_top5 = not compact and any(not isnan(arm.top5) for arm in arms)
    headings = (
        "arm",
        "params",
        "MACs",
        *(() if compact else ("training MACs", *TRAINING_COSTS)),
        "test accuracy, %",
        *(("top-5, %",) if with_top5 else ()),
        *(() if compact else ("sampling error",)),
        "n",
        f"difference [{CONFIDENCE:.0%} interval]",
        *(() if compact else ("p, Holm",)),
        *_paper_headings(datasets, same_protocol),
    )
    if compact:
        headings = tuple(heading.replace(" ", "\n") for heading in headings)
    return TextTable(
        headings,
        tuple(_row(arm, datasets, compact, with_top5, unpaired_text(arm, arms)) for arm in arms),
    )


def paper_table(arms: Sequence[ArmSummary], *, same_protocol: bool) -> TextTable | None:
    """The accuracies that the paper prints for the arms; None if it prints none of them."""
    datasets = _datasets(arms)
    rows = tuple((arm.arm, *_printed(arm, datasets)) for arm in arms if arm.published)
    return TextTable(("arm", *_paper_headings(datasets, same_protocol)), rows) if rows else None


def _datasets(arms: Sequence[ArmSummary]) -> list[str]:
    return list(dict.fromkeys(name for arm in arms for name in arm.published))


def _paper_headings(datasets: Sequence[str], same_protocol: bool) -> list[str]:
    mark = "" if same_protocol else "†"
    return [f"paper{mark} {name.replace('_', ' ')}" for name in datasets]


def _printed(arm: ArmSummary, datasets: Sequence[str]) -> list[str]:
    return [f"{arm.published[n]:.2f}" if n in arm.published else MISSING for n in datasets]


def cost_table(arms: Sequence[ArmSummary]) -> TextTable:
    """The costs of the arms, in a table that fits a terminal of 80 columns."""
    rows = (
        (
            arm.arm,
            *(engineering(n) for n in (arm.params, arm.macs, arm.training_macs)),
            *_training_costs(arm),
        )
        for arm in arms
    )
    headings = ("arm", "params", "MACs", "training MACs", *TRAINING_COSTS)
    return TextTable(headings, tuple(rows))


def unpaired_text(arm: ArmSummary, arms: Sequence[ArmSummary]) -> str:
    """Why an arm has no seed in common with the baseline: there is none to compare, or not yet."""
    baselines = [other.size for other in arms if other.is_baseline]
    if len(baselines) < 2 or arm.size in baselines:
        return "no pairs yet"
    what = "ensemble" if arm.size is None else f"accuracy at {arm.size} px"
    return f"not compared: the baseline has no {what}"


def _row(
    arm: ArmSummary, datasets: Sequence[str], compact: bool, with_top5: bool, unpaired: str
) -> tuple[str, ...]:
    spread = "" if isnan(arm.sd) else f" ± {arm.sd:.2f}"
    accuracy = f"{arm.mean:.2f}{spread}" if arm.n else "none"
    if arm.ended_early:
        accuracy += f" ({arm.ended_early} ended early)"
    costs = [arm.params, arm.macs] if compact else [arm.params, arm.macs, arm.training_macs]
    difference = arm.difference
    return (
        arm.arm,
        *(engineering(number) if compact else f"{number:,}" for number in costs),
        *(() if compact else _training_costs(arm)),
        accuracy,
        *((_percent(arm.top5),) if with_top5 else ()),
        *(() if compact else (_rounded(arm.sampling_error),)),
        str(arm.n),
        "baseline" if difference is None else interval_text(difference, unpaired),
        *(() if compact else (MISSING if difference is None else p_text(difference.p_holm),)),
        *_printed(arm, datasets),
    )


def _training_costs(arm: ArmSummary) -> tuple[str, ...]:
    memory = MISSING if isnan(arm.peak_memory) else f"{engineering(arm.peak_memory)}B"
    return _rounded(arm.epoch_seconds), memory, _rounded(arm.latency_ms)


def _percent(value: float) -> str:
    return MISSING if isnan(value) else f"{value:.2f}"


def _rounded(value: float) -> str:
    return MISSING if isnan(value) else f"{value:.3g}"


def differences_sentence(arms: Sequence[ArmSummary]) -> str:
    """The significant differences of one task in a sentence, or that there are none."""
    baselines = {arm.size: arm.arm for arm in arms if arm.is_baseline}
    name = next(iter(baselines.values()), "the baseline")
    significant = [
        f"{arm.arm} is significantly {'above' if arm.difference.mean > 0 else 'below'} "
        f"{baselines.get(arm.size, name)}"
        for arm in arms
        if arm.difference is not None and arm.difference.significant
    ]
    if significant:
        return (
            f"On this task and budget: {'; '.join(significant)} (Holm); "
            "other differences are not significant."
        )
    seeds = max((arm.difference.pairs for arm in arms if arm.difference), default=0)
    why = f", at least {MIN_PAIRS} are needed" if seeds < MIN_PAIRS else ""
    return (
        f"On this task and budget no arm is significantly different from {name} (Holm; "
        f"{count(seeds, 'paired seed')}{why})."
    )
