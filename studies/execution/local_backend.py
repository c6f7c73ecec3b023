"""Trains jobs one at a time in this process: for tests, and where there is no Ray."""

from studies.execution.job_queue import JobQueue
from studies.execution.ray_backend import RayBackend
from studies.execution.worker import Worker
from trainers.processes import Processes


class LocalBackend(RayBackend):
    """Trains in this process, without a time limit that could end a job that hangs."""

    def run(self, queue: JobQueue) -> None:
        """Train until the queue is empty."""
        others = Processes(queue.resources.processes)
        with others.closing():
            while item := queue.next_item():
                worker = Worker(item, others)
                while queue.report(item.job.key, worker.step()) == "continue":
                    pass
                worker.leave()
