"""Which trials answer a question, where they run, and what is kept of them."""

from .cli.running import run_study as run_study
from .rundir.curves import CURVE_COLUMNS as CURVE_COLUMNS
from .rundir.curves import load_curves as load_curves
from .rundir.curves import load_environments as load_environments
from .rundir.frames import COLUMNS as COLUMNS
from .rundir.frames import load as load
from .rundir.frames import read_experiment as read_experiment
from .spec.ablation import Ablation as Ablation
from .spec.ablation import Study as Study
from .spec.claims import Claim as Claim
from .spec.claims import Comparison as Comparison
from .spec.claims import Operand as Operand
from .spec.claims import exceeds as exceeds
from .spec.design import Arm as Arm
from .spec.design import Design as Design
from .spec.design import Published as Published
from .spec.experiment import Experiment as Experiment
from .spec.search import Search as Search
from .spec.search_file import read_search as read_search
from .spec.study_file import read_study as read_study
from .spec.tuning import Tuning as Tuning
