"""What failed and why, and where a run ran."""

import pandas as pd

from analysis.data.runs import Run
from analysis.render.parts import Part, Table

ENDING_COLUMNS = {
    "status": "how jobs ended that gave no accuracy",
    "reason": "why, as the job said",
    "jobs": "number of jobs",
    "which": "the first of them: arm or trial, and seed",
}
ENVIRONMENT_COLUMNS = {
    "what": "package, or what else decides a result",
    "asked": "its version where the run was asked for",
    "ran": "its versions where jobs ran, and the number of jobs with each if several",
}
SHOWN = 5


def endings_info(frame: pd.DataFrame) -> pd.DataFrame:
    """Jobs without an accuracy by status and reason, most frequent first."""
    jobs = frame.drop_duplicates("key")
    bad = jobs[~jobs["status"].isin(["finished", "truncated"])]
    rows = [
        {
            "status": status,
            "reason": reason or "not said",
            "jobs": len(group),
            "which": _which(group),
        }
        for (status, reason), group in bad.groupby(["status", "reason"], sort=False)
    ]
    info = pd.DataFrame(rows, columns=list(ENDING_COLUMNS))
    return info.sort_values("jobs", ascending=False, kind="stable", ignore_index=True)


def _which(jobs: pd.DataFrame) -> str:
    first = jobs.head(SHOWN)
    names = [
        f"{arm if pd.isna(trial) else f'trial {trial}'} seed {seed}"
        for arm, trial, seed in zip(first["arm"], first["trial"], first["seed"], strict=True)
    ]
    return ", ".join(names) + (", …" if len(jobs) > SHOWN else "")


def environment_info(run: Run) -> pd.DataFrame:
    """Versions and devices, of the machine that was asked and of those where jobs ran."""
    places = run.environments
    names = dict.fromkeys([*run.asked_in, *map(str, places.columns.drop("jobs"))])
    rows = [{"what": n, "asked": run.asked_in.get(n, ""), "ran": _ran(places, n)} for n in names]
    return pd.DataFrame(rows, columns=list(ENVIRONMENT_COLUMNS))


def _ran(places: pd.DataFrame, name: str) -> str:
    if name not in places:
        return ""
    jobs = places.groupby(name, sort=False)["jobs"].sum()
    if len(jobs) == 1:
        return str(jobs.index[0])
    return ", ".join(f"{value} ({count} jobs)" for value, count in jobs.items())


def ending_parts(run: Run) -> list[Part]:
    """What failed and why, and how much of the run is there."""
    jobs = run.frame.drop_duplicates("key")
    counts = jobs["status"].value_counts()
    told = ", ".join(f"{n} {str(status).replace('_', ' ')}" for status, n in counts.items())
    text = f"{len(jobs)} jobs ended: {told}." if len(jobs) else "No job has ended yet."
    wanted = run.experiment.min_jobs
    if len(jobs) < wanted:
        text += f" {wanted} were asked for: the run is not complete."
    info = endings_info(run.frame)
    table = Table("failures", "Jobs without an accuracy", info, ENDING_COLUMNS)
    reason = "" if len(info) else "No job failed, diverged or ran out of memory."
    return [Part("failures", "What failed", (text,), tables=(table,) if len(info) else (),
                 reason=reason)]  # fmt: skip


def environment_parts(run: Run) -> list[Part]:
    """Recipe, versions and revision."""
    told = ", ".join(f"{name} {value}" for name, value in vars(run.experiment.recipe).items())
    info = environment_info(run)
    table = Table("environment", "Versions", info, ENVIRONMENT_COLUMNS)
    said = "" if len(info) else "The run directory says nothing of its environment."
    return [Part("environment", "Recipe and environment", (f"Recipe: {told}.",),
                 tables=(table,) if len(info) else (), reason=said)]  # fmt: skip
