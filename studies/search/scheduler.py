"""The scheduler of a search: proposes trials, stops and promotes them, and adds replicates."""

from collections.abc import Mapping, Sequence

from searchspace import Architecture, InputError
from studies.execution.job_queue import Decision, JobQueue, RunCallbacks
from studies.execution.resources import Resources
from studies.execution.worker import StepReport
from studies.rundir.latencies import Bench, LatencyError
from studies.rundir.store import RunStore
from studies.rundir.trial_log import Event, Proposed, Replicated, Reported, Resumed
from studies.rundir.trial_table import Trial, TrialTable
from studies.search.early_stopping import early_stopping
from studies.search.objectives import TrialPoint, cost, trial_points
from studies.search.optuna_mirror import OptunaMirror
from studies.search.replication import most_uncertain, replication_candidates
from studies.spec.search import Search
from trainers import Job, Result


class SearchScheduler(JobQueue):
    """The job queue of a search: trials until there are enough, then runs of uncertain ones.

    A trial is logged before its job starts, and a result is stored before the sampler sees it. So
    the files have the state of the search at any moment, and it is restored from them. Jobs that
    failed through the machine are trained again; with `retry_failed`, so are all failed jobs.
    """

    def __init__(
        self,
        search: Search,
        store: RunStore,
        resources: Resources,
        callbacks: RunCallbacks,
        *,
        retry_failed: bool = False,
    ) -> None:
        super().__init__(store, resources, callbacks)
        self.search = search
        self.bench = (
            Bench(store.latencies, search.task, search.latency_method, resources.device)
            if "latency" in search.objectives
            else None
        )
        self.stopper = early_stopping(search.scheduler, search.scheduler_settings).start(
            search.recipe.epochs
        )
        self.watched = search.scheduler != "none"
        self.pauses = self.stopper.rungs
        self.queue: list[Job] = []
        self.all_clear = False
        """Whether no further run would change the front, so that contested ones are not needed."""
        self.mirror = OptunaMirror(search, store.name())
        # Without its result a job is trained again.
        results = {
            record.key: record.result
            for record in store.records()
            if record.result.status != "failed" or not (retry_failed or record.cause == "machine")
        }
        self.table = TrialTable(results=results)
        self._restore(store.events())
        self.mirror.open_journal(store.folder)

    def _restore(self, events: Sequence[Event]) -> None:
        """Restore the state that the log and the results describe."""
        promoted = []
        for event in events:
            self.table.add(event)
            trial = self.table[event.number]
            if isinstance(event, Proposed):
                self.mirror.add(trial)
            elif isinstance(event, Reported):
                self._report(trial, event.epoch, event.accuracy)
            elif isinstance(event, Resumed):
                self.stopper.promote()
                promoted.append(event.number)
        self.table.check_logged()
        for trial in self.table:
            if trial.state == "failed":
                self.stopper.remove(str(trial.number))
            self._tell(trial)
        for trial in self.table:
            self._queue_missing(trial)
        for trial in (self.table[number] for number in dict.fromkeys(promoted)):
            if trial.state == "truncated" and not self._paused(trial):
                # It was promoted, and the search was interrupted before its next report.
                self.queue.append(self._first_job(trial))

    def close(self) -> None:
        """Leave the files as a reader expects them."""
        self.mirror.close()

    def job_name(self, job: Job) -> str:
        """The number of the trial, its seed if it is not the first, and its architecture."""
        number = self.table.of_job(job.key)[0].number
        seed = f", seed {job.seed}" if job.seed != self.search.seed else ""
        return f"trial {number}{seed}, {job.architecture.label()}"

    @property
    def sampled(self) -> int:
        """The number of trials that the sampler has proposed."""
        return self.table.sampled

    @property
    def open(self) -> bool:
        """Whether anything may be left to do."""
        search = self.search
        return self.sampled < search.trials or bool(self.queue) or bool(self._uncertain())

    def jobs_left(self) -> int:
        """About how many jobs are yet to start."""
        search = self.search
        new = (search.trials - self.sampled) * search.replicates
        contested = 0 if self.all_clear else search.contested - self.table.contested
        return new + len(self.queue) + contested

    def next_job(self) -> Job | None:
        """Queued jobs first, then promoted trials, new trials, and replicates of uncertain ones."""
        while True:
            if self.queue:
                if self.running and self._must_be_alone(self.queue[0].architecture):
                    return None
                job = self.queue.pop(0)
                if self._has_latency(job):
                    return job
                continue
            promoted = self.stopper.promote()
            if promoted is not None:
                self._log(Resumed(int(promoted)))
                job = self._first_job(self.table[int(promoted)])
                if job.key not in self.running:
                    return job
            elif self.sampled < self.search.trials:
                if self.bench is None or not self.bench.alone:
                    self._propose()
                elif self.running:
                    return None
                else:
                    self._propose_together()
            elif self.running or not self._replicate_uncertain():
                return None

    def _propose_together(self) -> None:
        """Propose a trial for each slot and measure them before any job of theirs starts."""
        while len(self.queue) < self.slots and self.sampled < self.search.trials:
            self._propose()
        for job in list(self.queue):
            if not self._has_latency(job):
                self.queue.remove(job)

    def _must_be_alone(self, architecture: Architecture) -> bool:
        """Whether its latency is yet to be measured, which beside other work would be too long."""
        return self.bench is not None and self.bench.alone and not self.bench.knows(architecture)

    def _has_latency(self, job: Job) -> bool:
        """Whether the latency of a job's network is known or not asked for; fails the job if not.

        Until the method has measured any network, what is wrong is a fault of the machine.
        """
        try:
            self._latencies(job.architecture)
        except LatencyError as error:
            self.running[job.key] = job
            self.callbacks.started(job, self.job_name(job))
            known = self.bench is not None and self.bench.knows_any()
            self._fail(job.key, str(error), "job" if known else "machine")
            return False
        return True

    def decide(self, job: Job, report: StepReport) -> Decision:
        """Early stopping of a trial's first job; other jobs continue."""
        trial = self.table.of_job(job.key)[0]
        decision: Decision = "continue"
        if not self.watched or trial.key != job.key:
            return decision
        for epoch in report.epochs:
            if self.pauses and epoch.epoch not in self.pauses:
                continue
            if epoch.epoch not in trial.reported:
                self._log(Reported(trial.number, epoch.epoch, epoch.validation_accuracy))
            decision = self._report(trial, epoch.epoch, epoch.validation_accuracy)
        return decision

    def job_ended(self, job: Job, result: Result) -> None:
        """Update every trial that has this job."""
        self.table.results[job.key] = result
        for trial in self.table.of_job(job.key):
            if result.status not in ("finished", "truncated"):
                self.stopper.remove(str(trial.number))
            self._queue_missing(trial)
            self._tell(trial)

    def _propose(self) -> None:
        """Ask the sampler for a trial; a repeated architecture may have its result already."""
        architecture, attributes = self.mirror.ask()
        earlier = self.table.of_architecture(architecture)
        seed = self._seed_for(earlier)
        job = self.search.job(architecture, seed)
        number = len(self.table)
        self._log(Proposed(number, architecture, "sampler", job.key, seed, attributes))
        trial = self.table[number]
        self.mirror.add(trial)
        self._queue_missing(trial)
        if trial.result is not None:
            if earlier:
                self.callbacks.note(
                    f"trial {number} is the network of trial {self.table.of_job(job.key)[0].number}"
                    ", whose result answers it"
                )
            self._tell(trial)

    def _seed_for(self, earlier: Sequence[Trial]) -> int:
        """The seed of a new trial beside `earlier` ones of its network; failed ones answer none."""
        seed = self.search.seed
        if earlier and self.search.duplicates == "seed":
            return _next_seed(earlier)
        if not any(trial.state == "failed" and trial.seed == seed for trial in earlier):
            return seed
        usable = [trial.seed for trial in earlier if trial.state != "failed"]
        return usable[0] if usable else _next_seed(earlier)

    def _queue_missing(self, trial: Trial) -> None:
        """Queue the jobs that a trial still needs."""
        if trial.result is not None and trial.result.status == "finished":
            self._add_replicates(trial)
        needed = trial.jobs if trial.state == "open" else trial.contested
        queued = {job.key for job in self.queue}
        for key, seed in trial.jobs.items():
            waiting = key in self.table.results or key in self.running or key in queued
            if key in needed and not waiting:
                self.queue.append(self.search.job(trial.architecture, seed))

    def _add_replicates(self, trial: Trial) -> None:
        """Give a trial as many jobs as every trial has."""
        while len(trial.replicates) < self.search.replicates:
            seed = trial.seed + len(trial.replicates)
            key = self.search.job(trial.architecture, seed).key
            self._log(Replicated(trial.number, key, seed, "replicates"))

    def _replicate_uncertain(self) -> bool:
        """Queue further runs of architectures whose place on the front is uncertain."""
        chosen = self._uncertain()
        for key in chosen:
            trials = self.table.by_architecture()[key]
            job = self.search.job(trials[0].architecture, _next_seed(trials))
            self._log(Replicated(trials[0].number, job.key, job.seed, "contested"))
            self.queue.append(job)
        left = self.search.contested - self.table.contested
        if not chosen and left > 0 and not self.all_clear:
            self.all_clear = True
            self.callbacks.note(
                f"{left} of {self.search.contested} contested runs are not needed: no network has "
                "an uncertain place on the front"
            )
        return bool(chosen)

    def _uncertain(self) -> list[str]:
        """The architectures that contested runs go to now, by key, as many as may run at once."""
        left = self.search.contested - self.table.contested
        if left <= 0:
            return []
        candidates = replication_candidates(self.search, self.table, self._points)
        if not candidates:
            return []
        return most_uncertain(candidates, min(left, self.slots), self.search.seed)

    def _tell(self, trial: Trial) -> None:
        """Tell the sampler how a trial ended, if it has."""
        if trial.state != "open":
            points = self._points(trial) if trial.state == "finished" else []
            self.mirror.tell(trial, points, paused=self._paused(trial))

    def _paused(self, trial: Trial) -> bool:
        return str(trial.number) in self.stopper.paused

    def _points(self, trial: Trial) -> list[TrialPoint]:
        try:
            latencies = self._latencies(trial.architecture)
        except LatencyError as error:
            # It was trained before latency was asked for.
            name = f"trial {trial.number}, {trial.architecture.label()}"
            raise InputError(f"{name}: {error}") from None
        return trial_points(self.search, trial, latencies)

    def _latencies(self, architecture: Architecture) -> Mapping[tuple[str, int], float]:
        if self.bench is None:
            return {}
        return self.bench.measured(architecture)

    def _report(self, trial: Trial, epoch: int, accuracy: float) -> Decision:
        """Report the error and the costs at the largest size to early stopping."""
        size = trial.architecture.training_sizes(self.search.task.input_size)[0]
        latencies = self._latencies(trial.architecture)
        costs = [
            cost(self.search, trial.architecture, name, size, latencies)
            for name in self.search.objectives
            if name != "accuracy"
        ]
        return self.stopper.report(str(trial.number), epoch, [[1 - accuracy, *costs]])

    def _log(self, event: Event) -> None:
        self.store.log(event)
        self.table.add(event)

    def _first_job(self, trial: Trial) -> Job:
        return self.search.job(trial.architecture, trial.seed)


def _next_seed(trials: Sequence[Trial]) -> int:
    return 1 + max(seed for trial in trials for seed in trial.jobs.values())
