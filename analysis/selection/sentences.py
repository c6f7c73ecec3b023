"""A choice in sentences: the candidate, the reason, and how certain it is."""

from math import isnan

from analysis.render.numbers import interval_text
from analysis.selection.candidates import PickCandidate
from analysis.selection.choose import Pick
from analysis.selection.expectation import SHARE, ExpectedAccuracy
from analysis.stats.inference import MeanEstimate

MANY = 3
"""From so many candidates on, the validation accuracy of the chosen one is called inflated."""


def sentences(pick: Pick) -> list[str]:
    """The chosen candidate, why it was chosen, its runner-up and its accuracies."""
    chosen = pick.chosen
    goals = {
        "accuracy": "has the highest mean validation accuracy",
        "cost": "has the fewest MACs",
        "knee": "is at the knee of the front of mean validation accuracy and MACs",
    }
    within = " and ".join(pick.bounds.texts().values())
    lines = [
        f"{chosen.name}: {chosen.costs_text()}.",
        f"Of the {pick.compared} on {pick.task}{f' with {within}' if within else ''} it "
        f"{goals[pick.goal]}.",
        f"Its validation accuracy is {_accuracy_text(chosen.validation)}.",
    ]
    if pick.latency and not isnan(chosen.latency_ms):
        lines.insert(1, f"Its latency: {pick.latency}.")
    if pick.runner_up is None:
        lines.append("Nothing else of the run fits.")
    else:
        lines.append(_runner_up_text(pick, pick.runner_up))
    if pick.bounds.accuracy is not None:
        lines.append(_reaching_text(chosen.validation, pick.bounds.accuracy))
    lines.append(_expected_text(pick.expected))
    lines.append("Only validation accuracies chose it.")
    if pick.compared >= MANY:
        lines[-1] += (
            f" Its own was selected from {pick.compared}, so it is likely too high (the winner's "
            "curse)."
        )
    lines.append(f"Its test accuracy, looked up afterwards, is {_accuracy_text(chosen.test)}.")
    return lines


def certainty_sentences(pick: Pick) -> list[str]:
    """How certain a choice is: what a new training would reach, and how far the next one is."""
    expected, other, difference = pick.expected, pick.runner_up, pick.difference
    first = "What a new training would reach is not known: too few networks have several seeds."
    if expected is not None:
        first = (
            f"A new training is expected to reach {expected.mean:.1f} % on validation, {SHARE:.0%} "
            f"of them {expected.low:.1f} to {expected.high:.1f} %."
        )
    if other is None or difference is None:
        return [first, "Nothing else fits."]
    name = other.arm if other.trial is None else f"trial {other.trial}"
    second = f"The next is {name} at {other.size} px ({other.costs_text()}): "
    if not difference.pairs:
        return [first, f"{second}no seed in common."]
    seeds = f"{difference.pairs} paired seed{'' if difference.pairs == 1 else 's'}"
    if pick.decided:
        return [first, f"{second}{difference.mean:.1f} points less over {seeds}, significantly."]
    return [
        first,
        f"{second}{difference.mean:.1f} points less over {seeds}, which cannot tell the two apart.",
    ]


def _expected_text(expected: ExpectedAccuracy | None) -> str:
    if expected is None:
        return (
            "What a new training of it would reach is not known: too few networks of the run were "
            "trained with several seeds."
        )
    return (
        f"A new training of it is expected to reach {expected.mean:.2f} % on validation, "
        f"{SHARE:.0%} of them {expected.low:.2f} to {expected.high:.2f} % (shrunken mean; spread "
        f"between seeds of {expected.networks} networks)."
    )


def _runner_up_text(pick: Pick, other: PickCandidate) -> str:
    difference = pick.difference
    if difference is None:
        raise ValueError("a pick with a runner-up must have its difference")
    text = f"The runner-up is {other.name} ({other.costs_text()}): "
    if not difference.pairs:
        return f"{text}no seed in common, so the two cannot be compared."
    text += (
        f"{interval_text(difference)} points of validation accuracy over {difference.pairs} paired "
        "seeds, "
    )
    why = f" (p = {difference.p_holm:.2g}, corrected for the choice)."
    if pick.decided:
        return f"{text}significantly different{why}"
    cheaper = ", and it needs fewer MACs" if other.macs < pick.chosen.macs else ""
    return f"{text}not significantly different{cheaper}{why}"


def _reaching_text(accuracy: MeanEstimate, target: float) -> str:
    if accuracy.low >= target:
        return f"The whole interval is at {target:g} % or above."
    return f"It is not certain that its mean over all seeds reaches {target:g} %."


def _accuracy_text(accuracy: MeanEstimate) -> str:
    """Mean, sd, n and the interval of the mean, in per cent."""
    if accuracy.n < 2:
        return f"{accuracy.mean:.2f} % (n = 1, so its spread is not known)"
    return (
        f"{accuracy.mean:.2f} ± {accuracy.sd:.2f} % (mean ± sd, n = {accuracy.n}; 95 % interval "
        f"of the mean {accuracy.low:.2f} to {accuracy.high:.2f})"
    )
