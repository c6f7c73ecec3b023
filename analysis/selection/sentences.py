"""What a choice is, in sentences that claim no more than is known."""

from analysis.render.tables import interval_text
from analysis.selection.choosing import Candidate, Pick
from analysis.stats.inference import Sample

MANY = 3
"""From so many candidates on, the chosen one's figure is called inflated."""


def sentences(found: Pick) -> list[str]:
    """What was chosen, why, how sure that is, and what is known of it."""
    chosen = found.chosen
    goals = {
        "accuracy": "has the highest mean validation accuracy",
        "cost": "has the fewest MACs",
        "knee": "is at the knee of the front of mean validation accuracy and MACs",
    }
    within = " and ".join(found.bounds.texts().values())
    lines = [
        f"{chosen.name}: {chosen.costs_text()}.",
        f"Of the {found.compared} on {found.task}{f' with {within}' if within else ''} it "
        f"{goals[found.goal]}.",
        f"Its validation accuracy is {_accuracy_text(chosen.validation)}.",
    ]
    if found.runner_up is None:
        lines.append("Nothing else of the run fits.")
    else:
        lines.append(_runner_up_text(found, found.runner_up))
    if found.bounds.accuracy is not None:
        lines.append(_reaching_text(chosen.validation, found.bounds.accuracy))
    lines.append("Only validation accuracies chose it.")
    if found.compared >= MANY:
        lines[-1] += (
            f" Its own was picked from {found.compared}, so it is likely to flatter (the winner's "
            "curse)."
        )
    lines.append(f"Its test accuracy, looked up afterwards, is {_accuracy_text(chosen.test)}.")
    return lines


def _runner_up_text(found: Pick, other: Candidate) -> str:
    gap = found.difference
    assert gap is not None
    text = f"The runner-up is {other.name} ({other.costs_text()}): "
    if not gap.pairs:
        return f"{text}no seed in common, so the two cannot be compared."
    text += f"{interval_text(gap)} points of validation accuracy over {gap.pairs} paired seeds, "
    why = f" (p = {gap.p_holm:.2g}, corrected for the choice)."
    if found.decided:
        return f"{text}which is decided{why}"
    cheaper = other.macs < found.chosen.macs
    return f"{text}undecided{', and it needs fewer MACs' if cheaper else ''}{why}"


def _reaching_text(accuracy: Sample, wanted: float) -> str:
    if accuracy.low >= wanted:
        return f"The whole interval is at {wanted:g} % or above."
    return f"Whether its mean over all seeds reaches {wanted:g} % is undecided."


def _accuracy_text(accuracy: Sample) -> str:
    """Mean, sd, n and the interval of the mean, in per cent."""
    if accuracy.n < 2:
        return f"{accuracy.mean:.2f} % (n = 1, so its spread is not known)"
    return (
        f"{accuracy.mean:.2f} ± {accuracy.sd:.2f} % (mean ± sd, n = {accuracy.n}; 95 % interval "
        f"of the mean {accuracy.low:.2f} to {accuracy.high:.2f})"
    )
