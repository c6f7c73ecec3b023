"""A study across papers: which recalibration (attention) is best when all networks have equal MACs.

Its arms are those of `operators_at_equal_cost` that stand at the ends of residual branches, so that
a record of one study serves the other.
"""

from studies.papers.equal_cost import EQUAL, OPERATORS, STATIC, equal_cost_study
from studies.spec.claims import Claim, exceeds

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


attention_at_equal_cost = equal_cost_study(
    "attention_at_equal_cost",
    "Which attention is best when all networks cost the same?",
    (STATIC, *ATTENTION),
    CLAIMS,
)

STUDIES = (attention_at_equal_cost,)
