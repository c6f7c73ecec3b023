"""Where a run comes from: its command, its jobs, and the environments they ran in."""

import shlex

import pandas as pd

from analysis.data.runs import Run
from studies import Ablation
from studies.spec.study_file import PRESET as CUSTOM
from studies.spec.words import count

ENVIRONMENT_COLUMNS = {
    "what": "package, or what else decides a result",
    "asked": "its version where the run was asked for",
    "ran": "its versions where jobs ran, and the number of jobs with each if several",
}


def environment_info(run: Run) -> pd.DataFrame:
    """Versions and devices, of the machine that asked for the run and of those where jobs ran."""
    ran, asked = run.environments, run.store.environment()
    names = dict.fromkeys([*asked, *map(str, ran.columns.drop("jobs"))])
    rows = [{"what": n, "asked": asked.get(n, ""), "ran": _values(ran, n)} for n in names]
    return pd.DataFrame(rows, columns=list(ENVIRONMENT_COLUMNS))


def _values(environments: pd.DataFrame, name: str) -> str:
    if name not in environments:
        return ""
    jobs = environments.groupby(name, sort=False)["jobs"].sum()
    if len(jobs) == 1:
        return str(jobs.index[0])
    return ", ".join(f"{value} ({count(n, 'job')})" for value, n in jobs.items())


def provenance(run: Run) -> list[str]:
    """The command of an ablation, its jobs and their environments, each in a sentence."""
    ablation, records = run.ablation, run.records
    times = sorted(record.finished_at for record in records)
    seconds = sum(record.result.seconds for record in records)
    failed = sum(record.result.status != "finished" for record in records)
    design = ablation.design
    if design.max_seeds is None:
        counted = f"{len(records)} of {count(ablation.min_jobs, 'job')}"
        rule, last = "", design.seeds - 1
    else:
        counted = count(len(records), "job")
        rule = f" --until-decided --max-seeds {design.max_seeds}"
        last = max(record.job.seed for record in records)
    if design.tune is not None and design.tune.untuned:
        rule += " --also-untuned"
    sentences = [
        f"`python -m studies.run {_command(ablation)} --seeds {design.seeds}{rule}`",
        f"{counted} ended, seeds 0 to {last}, {failed} of them without an accuracy; "
        f"{seconds:,.0f} s of training in all, finished between {times[0]} and {times[-1]}.",
    ]
    if design.tune is not None:
        keys = {record.key for record in records}
        others = [record for record in run.store.records() if record.key not in keys]
        spent = sum(record.result.seconds for record in others)
        sentences.append(
            f"{count(len(others), 'further job')} tuned recipes or trained arms without tuning: "
            f"{spent:,.0f} s of training."
        )
    counts: dict[tuple[tuple[str, str], ...], int] = {}
    for record in records:
        environment = tuple(record.environment.items())
        counts[environment] = counts.get(environment, 0) + 1
    for environment, jobs in counts.items():
        words = ", ".join(f"{name} {value}" for name, value in environment)
        sentences.append(f"{count(jobs, 'job')} on: {words}.")
    return sentences


def _command(ablation: Ablation) -> str:
    """The study on the command line, quoted for a shell: its name and preset, or its file."""
    if ablation.preset == CUSTOM:
        return shlex.quote(ablation.study.source)
    return shlex.join([ablation.name, "--preset", ablation.preset])
