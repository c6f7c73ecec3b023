"""Runs agendas in this process, one job at a time: for tests, and where there is no Ray."""

from studies.execution.job_queue import Agenda
from studies.execution.ray_backend import Engine
from studies.execution.worker import Seat


class InProcess(Engine):
    """Trains in this process. There is no time limit, for nobody could enforce it."""

    def run(self, agenda: Agenda) -> None:
        """Train until nothing is left."""
        while order := agenda.next():
            seat = Seat(order)
            while agenda.report(order.job.key, seat.step()) == "continue":
                pass
        assert agenda.over
