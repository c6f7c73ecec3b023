"""Runs of studies as other tools show them: what was asked, what came of it, how it was made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.data.frames import verdicts_frame
from analysis.stats.comparisons import ArmSummary, arms_info
from analysis.stats.verdicts import Ending, Verdict, verdicts_info
from searchspace import InputError
from studies import Ablation, load, read_experiment
from studies.rundir.record import Record
from studies.rundir.store import RunStore
from studies.spec.study_file import PRESET as CUSTOM

ENDINGS: tuple[Ending, ...] = ("supported", "contradicted", "undecided")


@dataclass(frozen=True, eq=False)
class StudyRun:
    """The run of a study, read: a summary of each arm on each task, verdicts, and the records."""

    folder: Path
    ablation: Ablation
    arms: Sequence[ArmSummary]
    verdicts: Sequence[Verdict]
    records: Sequence[Record]

    @property
    def name(self) -> str:
        """The study's name."""
        return self.ablation.name

    @property
    def complete(self) -> bool:
        """Whether every job that was asked for has ended."""
        done = {record.key for record in self.records}
        return all(job.key in done for _, job in self.ablation.jobs())

    def count(self, ending: Ending) -> int:
        """How many claims ended so, each task on its own."""
        return sum(verdict.ending == ending for verdict in self.verdicts)


def read_study_run(folder: Path) -> StudyRun:
    """Read a run directory; an InputError if it holds none, a search, or no finished job."""
    store = RunStore(folder)
    ablation = read_experiment(store)
    if not isinstance(ablation, Ablation):
        raise InputError(f"{folder} holds a search, which has no claims; give runs of studies")
    frame = load(store)
    arms = arms_info(frame, ablation)
    if not arms:
        raise InputError(f"{folder} has no finished job yet; run the study again to train some")
    asked = {job.key for _, job in ablation.jobs()}
    records = [record for record in store.records() if record.key in asked]
    return StudyRun(folder, ablation, arms, verdicts_info(frame, ablation), records)


def read_study_runs(folders: Sequence[Path]) -> list[StudyRun]:
    """Several runs, in the order given; the same study with the same preset only once."""
    runs = [read_study_run(folder) for folder in folders]
    seen: dict[tuple[str, str], Path] = {}
    for run in runs:
        key = (run.name, run.ablation.preset)
        if key in seen:
            raise InputError(
                f"{seen[key]} and {run.folder} both hold {run.name} with preset "
                f"{run.ablation.preset}; give one of them"
            )
        seen[key] = run.folder
    return runs


def all_verdicts(runs: Iterable[StudyRun]) -> pd.DataFrame:
    """The verdicts of all runs, with the columns of `analysis.data.frames.VERDICT_COLUMNS`."""
    return pd.concat([verdicts_frame(run.verdicts, run.name) for run in runs], ignore_index=True)


def making(run: StudyRun) -> list[str]:
    """How a run was made, in sentences, from its records alone."""
    ablation, records = run.ablation, run.records
    times = sorted(record.finished_at for record in records)
    seconds = sum(record.result.seconds for record in records)
    ended = sum(record.result.status != "finished" for record in records)
    found = [
        f"`python -m studies.run {_command(ablation)} --seeds {ablation.design.seeds}`",
        f"{len(records)} of {ablation.min_jobs} jobs ended, seeds 0 to "
        f"{ablation.design.seeds - 1}, {ended} of them without an accuracy; {seconds:,.0f} s of "
        f"training in all, finished between {times[0]} and {times[-1]}.",
    ]
    places: dict[tuple[tuple[str, str], ...], int] = {}
    for record in records:
        place = tuple(record.environment.items())
        places[place] = places.get(place, 0) + 1
    for place, jobs in places.items():
        words = ", ".join(f"{name} {value}" for name, value in place)
        found.append(f"{jobs} jobs on: {words}.")
    return found


def _command(ablation: Ablation) -> str:
    """What to call a study on the command line: its name and preset, or its file."""
    return (
        ablation.study.source
        if ablation.preset == CUSTOM
        else f"{ablation.name} --preset {ablation.preset}"
    )
