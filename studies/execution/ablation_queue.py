"""The jobs of an ablation, of which some follow from the results of others."""

import time
from collections.abc import Collection
from math import inf

from studies.execution.job_queue import AblationQueue, RunCallbacks
from studies.execution.resources import Resources
from studies.execution.standing import Standing, standing
from studies.rundir.store import RunStore
from studies.rundir.tuning import is_tuning
from studies.spec.ablation import Ablation
from studies.spec.words import count
from trainers import Job, Result


class StagedQueue(AblationQueue):
    """An ablation's jobs without a result, listed anew whenever a stage has ended.

    A stage is the tuning of an arm on a task or, if the study goes on until it is decided, the
    design's seeds and each seed after them. Workers that would be idle start jobs of later seeds.
    `again` are keys of jobs to train once more although they have a result. After `deadline`, in
    seconds of `time.monotonic`, no job is started.
    """

    def __init__(
        self,
        ablation: Ablation,
        store: RunStore,
        resources: Resources,
        callbacks: RunCallbacks,
        again: Collection[str] = (),
        deadline: float = inf,
    ) -> None:
        super().__init__({}, {}, store, resources, callbacks)
        self.again, self.deadline = set(again), deadline
        self.ahead: list[Job] = []
        self.stages: list[set[str]] = []
        self.later = 0
        self.out_of_time = False
        """Whether a job was not started because of the deadline."""
        self.standing = standing(ablation, store, self.again)
        self._list_jobs()

    def next_job(self) -> Job | None:
        """Take the next job in order; None after the deadline."""
        waiting = self.waiting or self.ahead
        if waiting and time.monotonic() >= self.deadline:
            self.out_of_time = True
            return None
        return waiting.pop(0) if waiting else None

    def jobs_left(self) -> int:
        """The number of jobs that have not started, those of arms in tuning included."""
        return len(self.waiting) + self.later

    def job_ended(self, job: Job, result: Result) -> None:
        """List the jobs that may start now if a stage has ended."""
        self.again.discard(job.key)
        for stage in self.stages:
            stage.discard(job.key)
        if not all(self.stages):
            before = self.standing
            self.standing = standing(before.ablation, self.store, self.again, self.failures)
            self._tell(before)
            self._list_jobs()

    def _tell(self, before: Standing) -> None:
        """Tell of recipes that were chosen and of claims that were decided since."""
        known = before.ablation.tuned
        for tuning in self.standing.tunings:
            if tuning.ended and (tuning.arm, tuning.task) not in known:
                self.callbacks.note(tuning.sentence())
        look = self.standing.look
        for place in look.decided_at if look else ():
            if look and (before.look is None or place not in before.look.decided_at):
                each = look.decisions[place]
                conclusion = each.decision.conclusion
                seeds = count(look.seeds, "seed")
                self.callbacks.note(f"{each.claim.text}: {conclusion} after {seeds}")

    def _list_jobs(self) -> None:
        now = self.standing
        ahead = now.ahead or {}
        self.names |= {key: name for key, (name, _) in (now.missing | ahead).items()}
        started = {*self.running, *self.failures, *(job.key for job in self.interrupted)}
        self.waiting = [job for key, (_, job) in now.missing.items() if key not in started]
        self.ahead = [job for key, (_, job) in ahead.items() if key not in started]
        left = {job.key for job in (*self.waiting, *self.running.values(), *self.interrupted)}
        tuning = [{job.key for c in t.candidates for job in c.jobs} & left for t in now.tunings]
        tuning = [stage for stage in tuning if stage]
        # Those with the arms' own recipes are known and wait already.
        self.later = len(tuning) * now.ablation.design.seeds
        seeds = set() if now.ablation.design.max_seeds is None else left & now.missing.keys()
        self.stages = [*tuning, *([seeds] if seeds else [])]

    @property
    def lost(self) -> dict[str, str]:
        """The failures, by key, that only make a candidate of a tuning lose."""
        records = {record.key: record for record in self.store.records()}
        return {
            key: reason
            for key, reason in self.failures.items()
            if is_tuning(records[key].job) and records[key].cause == "job"
        }
