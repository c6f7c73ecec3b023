"""Which trials answer a question, where they run, and what is kept of them."""

from studies.rundir.curves import CURVE_COLUMNS, load_curves, load_environments
from studies.rundir.frames import COLUMNS, load, read_plan
from studies.spec.ablation import Arm, Design, Plan, Published, Study
from studies.spec.claims import Claim, Comparison, Outcome, above
from studies.spec.search import Search
from studies.spec.study_file import read_study, run_study

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
