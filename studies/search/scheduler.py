"""The agenda of a search: proposes, watches, resumes, repeats, and goes on where it was."""

from collections.abc import Mapping

import numpy as np
from optuna.samplers import BaseSampler

from searchspace import Architecture
from studies.execution.job_queue import Decision, JobQueue, RunCallbacks
from studies.execution.resources import Resources
from studies.execution.worker import StepReport
from studies.rundir.latencies import Bench
from studies.rundir.store import RunStore
from studies.rundir.trial_log import Event, Proposed, Replicated, Reported, Resumed, Trial, TrialLog
from studies.search.early_stopping import Asha, early_stopping
from studies.search.journal import Dashboard
from studies.search.objectives import Served, cost, served
from studies.search.optuna_study import Proposals
from studies.search.replication import Candidate, most_contested
from studies.spec.search import Search
from trainers import Job, Result


class SearchAgenda(JobQueue):
    """Trials until there are enough, then runs of contested networks.

    Each trial is written to the log before its job starts, each result to the store before the
    sampler hears of it, so that at any moment the files tell where the search is.
    """

    def __init__(
        self,
        search: Search,
        store: RunStore,
        resources: Resources,
        events: RunCallbacks,
        sampler: BaseSampler,
    ) -> None:
        super().__init__(store, resources, events)
        self.search = search
        self.bench = Bench(store.latencies, search.task)
        stopping = early_stopping(search.scheduler, search.scheduler_settings)
        epochs = search.recipe.epochs
        self.stopper = stopping.start(epochs)
        self.watched = search.scheduler != "none"
        self.pauses = stopping.rungs(epochs) if isinstance(stopping, Asha) else ()
        self.reported: set[tuple[int, int]] = set()
        self.queue: list[Job] = []
        self.proposals = Proposals(search, store.name(), sampler)
        self.results = {record.key: record.result for record in store.records()}
        self.log = TrialLog()
        self._replay(store.events())
        self.dashboard = Dashboard(store.folder, store.name(), search, self.proposals.trials)

    def _replay(self, events: list[Event]) -> None:
        """Bring everything to where the log and the results are."""
        for event in events:
            self.log.add(event)
            if isinstance(event, Proposed):
                self.proposals.add(self._trial(event.number), event.attributes)
            elif isinstance(event, Reported):
                self._watch(event.number, event.epoch, event.accuracy)
            elif isinstance(event, Resumed):
                self.stopper.promote()
        for number in range(len(self.log)):
            trial = self._trial(number)
            if trial.state == "failed":
                self.stopper.remove(str(number))
            self._tell(trial)
        for number in range(len(self.log)):
            self._continue(number)
        for number in dict.fromkeys(e.number for e in events if isinstance(e, Resumed)):
            cut = self._trial(number).state == "truncated"
            if cut and str(number) not in self.stopper.paused:
                # It was let go on, and came no further before this was interrupted.
                self.queue.append(self._first(number))

    def close(self) -> None:
        """Leave the files as a reader expects them."""
        self.dashboard.close(self.proposals.trials)

    def name(self, job: Job) -> str:
        """The trial's number, and its network."""
        number = self.log.owners[job.key][0]
        again = f", seed {job.seed}" if job.seed != self.search.seed else ""
        return f"trial {number}{again}, {job.architecture.label()}"

    @property
    def asked(self) -> int:
        """How many trials the sampler was asked for."""
        return sum(one.origin == "sampler" for one in self.log.proposed)

    @property
    def open(self) -> bool:
        """Whether anything may be left to do."""
        more = self.asked < self.search.trials or self.log.contested < self.search.contested
        return more or bool(self.queue)

    def to_do(self) -> int:
        """About how many jobs are yet to start."""
        search = self.search
        new = (search.trials - self.asked) * search.replicates
        return new + len(self.queue) + search.contested - self.log.contested

    def fresh(self) -> Job | None:
        """What is open first, then what deserves to be resumed, then something new."""
        while True:
            if self.queue:
                return self.queue.pop(0)
            waiting = self.stopper.promote()
            if waiting is not None:
                number = int(waiting)
                self._log(Resumed(number))
                job = self._first(number)
                if job.key not in self.running:
                    return job
            elif self.asked < self.search.trials:
                if "latency" in self.search.objectives and self.running:
                    # What is measured beside other work is not the network's latency.
                    return None
                self._propose()
            elif self.running or not self._repeat_contested():
                return None

    def decide(self, job: Job, report: StepReport) -> Decision:
        """What the scheduler says of a trial's first job; others go on."""
        number = self.log.owners[job.key][0]
        answer: Decision = "continue"
        if not self.watched or self.log.proposed[number].job != job.key:
            return answer
        for epoch in report.epochs:
            if self.pauses and epoch.epoch not in self.pauses:
                continue
            if (number, epoch.epoch) not in self.reported:
                self._log(Reported(number, epoch.epoch, epoch.validation_accuracy))
            answer = self._watch(number, epoch.epoch, epoch.validation_accuracy)
        return answer

    def ended(self, job: Job, result: Result) -> None:
        """Tell of every trial that has this job."""
        self.results[job.key] = result
        for number in self.log.owners[job.key]:
            if result.status not in ("finished", "truncated"):
                self.stopper.remove(str(number))
            self._continue(number)
            self._settle(number)

    def _propose(self) -> None:
        architecture, attributes = self.proposals.ask()
        number = len(self.log)
        earlier = self.log.networks.get(architecture.key, [])
        seed = self.search.seed
        if earlier and self.search.duplicates == "seed":
            seed = self._next_seed(architecture)
        job = self.search.job(architecture, seed)
        self._log(Proposed(number, architecture, "sampler", job.key, seed, attributes))
        self.proposals.add(self._trial(number), attributes)
        self.dashboard.add(self.proposals.trials[number])
        self._continue(number)
        if job.key in self.results:
            self.events.note(
                f"trial {number} is the network of trial {earlier[0]}, whose result answers it"
            )
            self._settle(number)

    def _continue(self, number: int) -> None:
        """Queue what an open trial still needs."""
        first = self.results.get(self.log.proposed[number].job)
        if first is not None and first.status == "finished":
            self._replicate(number)
        if self._trial(number).state != "open":
            keys = set(self.log.jobs[number]) - set(self.log.counted[number])
        else:
            keys = set(self.log.jobs[number])
        queued = {job.key for job in self.queue}
        for key, seed in self.log.jobs[number].items():
            known = key in self.results or key in self.running or key in queued
            if key in keys and not known:
                self.queue.append(self.search.job(self._network(number), seed))

    def _replicate(self, number: int) -> None:
        """Give a trial as many jobs as every trial is to have."""
        while len(self.log.counted[number]) < self.search.replicates:
            seed = self.log.proposed[number].seed + len(self.log.counted[number])
            key = self.search.job(self._network(number), seed).key
            self._log(Replicated(number, key, seed, "replicates"))

    def _settle(self, number: int) -> None:
        """Tell the sampler how a trial ended, if it has, and show it."""
        trial = self._trial(number)
        if trial.state == "open":
            return
        self._tell(trial)
        ended = self.proposals.trials[number]
        self.dashboard.end(ended, may_go_on=str(number) in self.stopper.paused)

    def _tell(self, trial: Trial) -> None:
        if trial.state == "open":
            return
        points = self._served(trial) if trial.state == "finished" else []
        self.proposals.tell(trial, points, self.results.get(trial.key))

    def _served(self, trial: Trial) -> list[Served]:
        return served(self.search, trial, self.results, self._latencies(trial.architecture))

    def _latencies(self, network: Architecture) -> Mapping[tuple[str, int], float]:
        if "latency" not in self.search.objectives:
            return {}
        return self.bench.measured(network)

    def _watch(self, number: int, epoch: int, accuracy: float) -> Decision:
        """Tell the scheduler, with the costs at the largest size."""
        self.reported.add((number, epoch))
        trial = self._trial(number)
        sizes = trial.architecture.resolutions
        size = sizes.sizes[0] if sizes else self.search.task.input_size
        latencies = self._latencies(trial.architecture)
        costs = [
            cost(self.search, trial, name, size, latencies)
            for name in self.search.objectives
            if name != "accuracy"
        ]
        return self.stopper.report(str(number), epoch, [[1 - accuracy, *costs]])

    def _repeat_contested(self) -> bool:
        """Queue further runs of networks whose place on the front is uncertain."""
        left = self.search.contested - self.log.contested
        candidates = self._candidates() if left > 0 else []
        if not candidates:
            return False
        chosen = most_contested(candidates, min(left, self.slots), self.search.seed)
        for key in chosen:
            number = self.log.networks[key][0]
            seed = self._next_seed(self._network(number))
            job = self.search.job(self._network(number), seed)
            self._log(Replicated(number, job.key, seed, "contested"))
            self.queue.append(job)
        return bool(chosen)

    def _candidates(self) -> list[Candidate]:
        """Every network that finished, with all its runs."""
        found = []
        for key, numbers in self.log.networks.items():
            keys = dict.fromkeys(key for n in numbers for key in self.log.jobs[n])
            ends = [r for k in keys if (r := self.results.get(k)) and r.status == "finished"]
            points = [served_ for n in numbers[:1] for served_ in self._served(self._trial(n))]
            if not ends or not points:
                continue
            sizes = [point.size for point in points]
            accuracies = [
                [p.validation_accuracy for p in end.points if p.size in sizes] for end in ends
            ]
            costs = [
                [v for v, name in zip(point.values, self.search.objectives, strict=True)
                 if name != "accuracy"]
                for point in points
            ]  # fmt: skip
            images = ends[0].points[0].validation_images
            found.append(Candidate(key, np.array(accuracies), np.array(costs), images))
        return found

    def _next_seed(self, architecture: Architecture) -> int:
        numbers = self.log.networks[architecture.key]
        return 1 + max(seed for n in numbers for seed in self.log.jobs[n].values())

    def _log(self, event: Event) -> None:
        self.store.log(event)
        self.log.add(event)

    def _trial(self, number: int) -> Trial:
        return self.log.trial(number, self.results)

    def _network(self, number: int) -> Architecture:
        return self.log.proposed[number].architecture

    def _first(self, number: int) -> Job:
        one = self.log.proposed[number]
        return self.search.job(one.architecture, one.seed)
