"""The sections of a report: of each run, and of several runs together."""

from collections.abc import Sequence

from analysis.data.runs import Run, distinct_names
from analysis.render.section import Section
from analysis.sections.ablation import ablation_sections, note_sections
from analysis.sections.combined import combined_sections
from analysis.sections.coordinates import coordinates_sections
from analysis.sections.error_distribution import error_distribution_sections
from analysis.sections.failures import environment_sections, failure_sections
from analysis.sections.fronts import front_sections, joint_front_sections
from analysis.sections.hypervolume import hypervolume_sections
from analysis.sections.importance import importance_sections
from analysis.sections.learning import early_stopping_sections, learning_sections
from analysis.sections.tuning import tuning_sections
from analysis.sections.uncertainty import uncertainty_sections


def report_groups(runs: Sequence[Run]) -> list[tuple[str, list[Section]]]:
    """Headings and their sections: the runs together if there are several, then each."""
    names = distinct_names(runs)
    groups = [
        (_heading(run, name), run_sections(run, number))
        for number, (run, name) in enumerate(zip(runs, names, strict=True))
    ]
    hypervolume = hypervolume_sections(runs)
    if len(runs) == 1:
        heading, sections = groups[0]
        place = next(i for i, s in enumerate(sections) if s.name.startswith("learning"))
        return [(heading, [*sections[:place], *hypervolume, *sections[place:]])]
    return [("All runs", [*joint_front_sections(runs, names), *hypervolume]), *groups]


def run_sections(run: Run, number: int) -> list[Section]:
    """All sections about one run, which is the report's run with this number."""
    return [
        *ablation_sections(run),
        *combined_sections(run),
        *tuning_sections(run),
        *front_sections(run, number),
        *coordinates_sections(run, number),
        *uncertainty_sections(run, number),
        *learning_sections(run),
        *importance_sections(run, number),
        *error_distribution_sections(run),
        *early_stopping_sections(run),
        *failure_sections(run),
        *note_sections(run),
        *environment_sections(run),
    ]


def _heading(run: Run, name: str) -> str:
    return f"{name}: {run.experiment.label()}"
