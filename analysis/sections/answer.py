"""The answer of a run in plain words: no more than its statistics say."""

from collections.abc import Callable, Sequence

from analysis.data.runs import Run
from analysis.render.numbers import engineering
from analysis.render.task_words import task_words
from analysis.selection.candidates import Bounds
from analysis.selection.choose import Choices, Pick
from analysis.stats.arms import ArmSummary, Difference
from analysis.stats.verdicts import Verdict
from studies.spec.words import count
from studies.stats.t_tests import MIN_PAIRS
from trainers import Task

ONE_BY_ONE = 2
"""Up to so many arms, each is named in the sentence."""

Against = Callable[[ArmSummary], ArmSummary]
"""The baseline that an arm is compared with."""


def ablation_answer(arms: Sequence[ArmSummary], verdicts: Sequence[Verdict] = ()) -> str:
    """What an ablation found on one task, given its arms and the verdicts on its claims.

    Decided claims are the answer where no arm is significantly different from the baseline.
    """
    baselines = {arm.size: arm for arm in arms if arm.is_baseline}
    base = next(iter(baselines.values()), None)
    compared = [a for a in arms if a.difference is not None and a.difference.pairs]
    seeds = max((_difference(arm).pairs for arm in compared), default=0)
    if base is None or seeds < MIN_PAIRS:
        return (
            f"Too early to say: {seeds} paired seed{'' if seeds == 1 else 's'} so far, at least "
            f"{MIN_PAIRS} are needed."
        )

    def against(arm: ArmSummary) -> ArmSummary:
        return baselines.get(arm.size, base)

    better = [a for a in compared if _difference(a).significant and _difference(a).mean > 0]
    worse = [a for a in compared if _difference(a).significant and _difference(a).mean < 0]
    rest = [a for a in compared if not _difference(a).significant]
    if not better and not worse:
        undecided = _undecided(rest, against, base, seeds)
        decided = [verdict for verdict in verdicts if verdict.conclusion != "undecided"]
        return f"{_decided(decided)} {undecided}" if decided else f"Undecided: {undecided}"
    parts = [*_better(better, against), *_worse(worse, against, base)]
    if len(rest) == 1:
        name, other = rest[0].arm, against(rest[0]).arm
        parts.append(f"{count(seeds, 'seed')} cannot tell {name} from {other}")
    elif rest:
        others = count(len(rest), "other arm")
        parts.append(f"{count(seeds, 'seed')} cannot tell {others} from {_short(base)}")
    return f"{'; '.join(parts)}."


def _better(arms: Sequence[ArmSummary], against: Against) -> list[str]:
    ordered = sorted(arms, key=lambda arm: -arm.mean)
    named = ordered if len(arms) <= ONE_BY_ONE else ordered[:1]
    parts = [
        f"{arm.arm} beats {against(arm).arm} by {_interval(_difference(arm))} "
        f"{more_macs(arm.macs, against(arm).macs)}"
        for arm in named
    ]
    if len(arms) > len(named):
        others = "1 other arm is" if len(arms) == 2 else f"{len(arms) - 1} other arms are"
        parts.append(f"{others} better than the baseline too")
    return parts


def _worse(arms: Sequence[ArmSummary], against: Against, base: ArmSummary) -> list[str]:
    if len(arms) <= ONE_BY_ONE:
        return [
            f"{arm.arm} is worse than {against(arm).arm} by {_interval(_difference(arm), -1)}"
            for arm in arms
        ]
    losses = [-_difference(arm).mean for arm in arms]
    span = f"{min(losses):.1f} to {max(losses):.1f}"
    return [f"{len(arms)} arms are worse than {_short(base)}, by {span} points"]


def _undecided(rest: Sequence[ArmSummary], against: Against, base: ArmSummary, seeds: int) -> str:
    most = max(rest, key=lambda arm: abs(_difference(arm).mean))
    difference = _difference(most)
    seen = (
        f"{difference.mean:+.2f} points ({difference.low:.2f} to {difference.high:.2f}) "
        f"{more_macs(most.macs, against(most).macs)}"
    ).replace("-", "\u2212")
    if len(rest) == 1:
        return f"{count(seeds, 'seed')} cannot tell {most.arm} from {against(most).arm}, {seen}."
    return (
        f"{count(seeds, 'seed')} cannot tell any arm from {_short(base)}. Largest difference: "
        f"{most.arm}, {seen}."
    )


def _decided(verdicts: Sequence[Verdict]) -> str:
    """The first decided claims and what they are, in sentences."""
    sentences = []
    for verdict in verdicts[:ONE_BY_ONE]:
        within = f" within {verdict.margin:g} points" if verdict.conclusion == "equivalent" else ""
        sentences.append(f"{verdict.conclusion.capitalize()}{within}: {verdict.claim.text}.")
    return " ".join(sentences)


def more_macs(macs: int, other: int) -> str:
    """At how many more MACs than another a network has its accuracy, in words."""
    return f"for {macs_change(macs, other)}"


def macs_change(macs: int, other: int) -> str:
    """How many more MACs a network needs than another, in words."""
    change = 100 * (macs / other - 1) if other else 0.0
    if abs(change) < 0.05:
        return "the same MACs"
    digits = 0 if abs(change) >= 1 else 1
    return f"{abs(change):,.{digits}f} % {'more' if change > 0 else 'fewer'} MACs"


def _interval(difference: Difference, sign: int = 1) -> str:
    ends = sorted((sign * difference.low, sign * difference.high))
    digits = 1 if abs(difference.mean) >= 1 else 2
    mean, low, high = (f"{value:.{digits}f}" for value in (sign * difference.mean, *ends))
    return f"{mean} points ({low} to {high})".replace("-", "\u2212")


def _difference(arm: ArmSummary) -> Difference:
    if arm.difference is None:
        raise ValueError(f"{arm.arm} is the baseline")
    return arm.difference


def _short(base: ArmSummary) -> str:
    """The baseline without its input size."""
    return base.arm.removesuffix(f" at {base.size} px")


def search_answer(choices: Choices) -> str:
    """What a search found: the most accurate network, what to expect of it, and its rival."""
    pick = choices.pick(Bounds(), "accuracy")
    chosen = pick.chosen
    expected = ""
    if pick.expected is not None:
        e = pick.expected
        expected = f"; trained anew, expect {e.mean:.1f} % ({e.low:.1f} to {e.high:.1f})"
    networks = len({candidate.arm for candidate in choices.measured})
    return (
        f"Most accurate of {count(networks, 'network')}: {short_name(chosen.arm, chosen.trial)}, "
        f"{chosen.mean:.1f} % on validation at {engineering(chosen.macs)} MACs{expected}. "
        f"{_rival(pick)}"
    ).rstrip()


def _rival(pick: Pick) -> str:
    other = pick.runner_up
    if other is None or pick.difference is None:
        return ""
    name = short_name(other.arm, other.trial)
    if pick.decided:
        return f"It is ahead of {name}, the next, by more than seeds explain. "
    fewer = macs_change(other.macs, pick.chosen.macs) if other.macs < pick.chosen.macs else ""
    return f"Its seeds cannot tell it from {name}{f', which needs {fewer}' if fewer else ''}. "


def short_name(arm: str, trial: int | None) -> str:
    """What a sentence calls a network."""
    return arm if trial is None else f"trial {trial}"


def basis(run: Run, task: Task) -> str:
    """What the answer rests on."""
    where = f"On {task_words(task)}"
    if run.is_ablation:
        seeds = max((arm.n for arm in run.arms if arm.task == task.label()), default=0)
        return (
            f"{where}, {count(seeds, 'seed')}, test accuracy. Differences are paired by seed, "
            "with 95 % intervals for each alone; better and worse are significant at 5 % over all "
            "of them (Holm)."
        )
    return f"{where}. Validation accuracy selects, so that of the best is too high."
