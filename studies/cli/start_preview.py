"""What a plan says of arms that start from trained weights."""

from searchspace.starting import starts_anew
from studies.spec.ablation import Ablation


def start_text(ablation: Ablation) -> str:
    """A line for each arm that starts from weights; empty if there are none."""
    lines = []
    for arm in ablation.design.arms:
        weights = (arm.recipe or ablation.recipe).weights
        if weights is None:
            continue
        reasons: dict[str, list[str]] = {}
        for slot, reason in starts_anew(arm.architecture).items():
            reasons.setdefault(reason, []).append(slot)
        anew = "; ".join(
            f"{len(slots)} slots start anew, as {reason} ({slots[0]}"
            + (f" to {slots[-1]})" if len(slots) > 1 else ")")
            for reason, slots in reasons.items()
        )
        lines.append(
            f"{arm.name} starts from {weights.name}: "
            + (anew or "before training it computes what the plain network does")
        )
    return "".join(f"{line}.\n" for line in lines)
