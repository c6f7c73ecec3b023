"""A study across papers: which recalibration (attention) is best when all networks have equal MACs.

Its arms are those of `operators_at_equal_cost` that stand at the ends of residual branches, so that
a record of one study serves the other.
"""

from collections.abc import Mapping

from studies.papers import quick
from studies.papers.equal_cost import (
    EQUAL,
    OPERATORS,
    PAPER_TASK,
    PAPER_WIDTHS,
    QUICK_MACS,
    QUICK_WIDTHS,
    STATIC,
    paper_network,
    quick_network,
)
from studies.spec.ablation import Arm, Design, Study
from studies.spec.claims import Claim, exceeds
from trainers import RECIPES

ATTENTION = tuple(name for name, choice in OPERATORS.items() if choice.role == "recalibration")

CLAIMS = (
    *(
        Claim(f"{name} is better than SE", EQUAL.format(name), exceeds(name, "SE"))
        for name in ("ECA", "CBAM", "SimAM", "coordinate attention", "MS-SAR")
    ),
    Claim(
        "Coordinate attention is better than CBAM",
        EQUAL.format("coordinate attention"),
        exceeds("coordinate attention", "CBAM"),
    ),
    *(
        Claim(f"{name} is better than no recalibration", EQUAL.format(name), exceeds(name, STATIC))
        for name in ATTENTION
    ),
)


def _widths(widths: Mapping[str, int]) -> dict[str, int]:
    return {name: widths[name] for name in (STATIC, *ATTENTION)}


def _quick_design(preset: str) -> Design:
    widths = _widths(QUICK_WIDTHS[preset])
    arms = (Arm(name, quick_network(name, width)) for name, width in widths.items())
    networks = (
        f"ResNet-8 networks of {QUICK_MACS[preset] / 1e6:.2f}M deployed multiply-accumulates, each "
        "within 6 %, by their widths (parameters and the cost of training differ)"
    )
    return quick.SETTINGS[preset].design(arms, CLAIMS, networks, latency=True, tune=quick.RATES)


attention_at_equal_cost = Study(
    name="attention_at_equal_cost",
    question="Which attention is best when all networks cost the same?",
    source="no paper",
    baseline=STATIC,
    presets={
        **{preset: _quick_design(preset) for preset in quick.SETTINGS},
        "paper": Design(
            arms=tuple(
                Arm(name, paper_network(name, width))
                for name, width in _widths(PAPER_WIDTHS).items()
            ),
            tasks=(PAPER_TASK,),
            recipe=RECIPES["mssar_resnet"],
            seeds=5,
            note="No paper's protocol: the networks and the training of operators_at_equal_cost.",
            claims=CLAIMS,
            latency=True,
        ),
    },
)

STUDIES = (attention_at_equal_cost,)
