"""Which trials answer a question, where they run, and what is kept of them."""

from studies.claims import Claim, Comparison, Outcome, above
from studies.curves import CURVE_COLUMNS, load_curves, load_environments
from studies.load import COLUMNS, load, read_plan
from studies.own import read_study, run_study
from studies.search import Search
from studies.study import Arm, Design, Plan, Published, Study

__all__ = [
    "COLUMNS",
    "CURVE_COLUMNS",
    "Arm",
    "Claim",
    "Comparison",
    "Design",
    "Outcome",
    "Plan",
    "Published",
    "Search",
    "Study",
    "above",
    "load",
    "load_curves",
    "load_environments",
    "read_plan",
    "read_study",
    "run_study",
]
