"""The jobs of an ablation: those of an arm that is tuned start when its recipe is chosen."""

from collections.abc import Collection

from studies.execution.job_queue import AblationQueue, RunCallbacks
from studies.execution.resources import Resources
from studies.rundir.store import RunStore
from studies.rundir.tuning import arm_tunings, is_tuning, missing_jobs, with_tuned
from studies.spec.ablation import Ablation
from trainers import Job, Result


class StagedQueue(AblationQueue):
    """An ablation's jobs without a result, of which some follow from the results of others.

    `again` are keys of jobs to train once more although they have a result. Jobs are listed anew
    whenever a stage has ended: the tuning of an arm on a task.
    """

    def __init__(
        self,
        ablation: Ablation,
        store: RunStore,
        resources: Resources,
        callbacks: RunCallbacks,
        again: Collection[str] = (),
    ) -> None:
        super().__init__({}, {}, store, resources, callbacks)
        self.ablation, self.again = ablation, set(again)
        self.stages: list[set[str]] = []
        self.later = 0
        self._list_jobs()

    def jobs_left(self) -> int:
        """The number of jobs that have not started, those of arms in tuning included."""
        return len(self.waiting) + self.later

    def job_ended(self, job: Job, result: Result) -> None:
        """List the jobs that may start now if a stage has ended."""
        self.again.discard(job.key)
        for stage in self.stages:
            stage.discard(job.key)
        if not all(self.stages):
            self._list_jobs()

    def _list_jobs(self) -> None:
        records = self.store.records()
        tunings = arm_tunings(self.ablation, records, self.again)
        known = self.ablation.tuned
        self.ablation = with_tuned(self.ablation, tunings)
        for tuning in tunings:
            if self.stages and tuning.ended and (tuning.arm, tuning.task) not in known:
                self.callbacks.note(tuning.sentence())
        missing = missing_jobs(self.ablation, tunings, records, self.again)
        self.names |= {key: name for key, (name, _) in missing.items()}
        started = {*self.running, *self.failures, *(job.key for job in self.interrupted)}
        self.waiting = [job for key, (_, job) in missing.items() if key not in started]
        left = {job.key for job in (*self.waiting, *self.running.values(), *self.interrupted)}
        keys = [{job.key for c in t.candidates for job in c.jobs} & left for t in tunings]
        self.stages = [stage for stage in keys if stage]
        self.later = len(self.stages) * self._jobs_of_an_arm()

    def _jobs_of_an_arm(self) -> int:
        """The jobs of an arm on a task that follow its tuning."""
        tune = self.ablation.design.tune
        return self.ablation.design.seeds * (1 + bool(tune and tune.untuned))

    @property
    def lost(self) -> dict[str, str]:
        """The failures, by key, that only make a candidate of a tuning lose."""
        records = {record.key: record for record in self.store.records()}
        return {
            key: reason
            for key, reason in self.failures.items()
            if is_tuning(records[key].job) and records[key].cause == "job"
        }
