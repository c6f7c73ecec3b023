"""The sections about failures, and about recipe and environment."""

from analysis.data.provenance import ENVIRONMENT_COLUMNS, environment_info
from analysis.data.runs import Run
from analysis.render.section import ReportTable, Section
from analysis.stats.training import FAILURE_COLUMNS, failures_info
from studies.spec.words import count


def failure_sections(run: Run) -> list[Section]:
    """The jobs by status, and the jobs without an accuracy by reason."""
    jobs = run.frame.drop_duplicates("key")
    counts = jobs["status"].value_counts()
    statuses = ", ".join(f"{n} {str(status).replace('_', ' ')}" for status, n in counts.items())
    text = f"{count(len(jobs), 'job')} ended: {statuses}." if len(jobs) else "No job has ended yet."
    requested = run.experiment.min_jobs
    if len(jobs) < requested:
        text += f" {requested:,} were asked for: the run is not complete."
    info = failures_info(run.frame)
    table = ReportTable("failures", "Jobs without an accuracy", info, FAILURE_COLUMNS)
    reason = "" if len(info) else "No job failed, diverged or ran out of memory."
    tables = (table,) if len(info) else ()
    return [Section("failures", "Failures", (text,), tables=tables, reason=reason)]


def environment_sections(run: Run) -> list[Section]:
    """Recipe, versions and revision."""
    settings = ", ".join(f"{name} {value}" for name, value in vars(run.experiment.recipe).items())
    info = environment_info(run)
    table = ReportTable("environment", "Versions", info, ENVIRONMENT_COLUMNS)
    reason = "" if len(info) else "The run directory says nothing of its environment."
    tables = (table,) if len(info) else ()
    tuned = run.is_ablation and run.ablation.design.tune is not None
    text = (f"Recipe{' before tuning' if tuned else ''}: {settings}.",)
    return [Section("environment", "Recipe and environment", text, tables=tables, reason=reason)]
