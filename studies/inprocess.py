"""Runs an agenda in this process, one job at a time: for tests, and where there is no Ray."""

from studies.agenda import Agenda
from studies.worker import Seat


def run_agenda(agenda: Agenda) -> None:
    """Train until nothing is left. There is no time limit, for nobody could enforce it."""
    while order := agenda.next():
        seat = Seat(order)
        while agenda.report(order.job.key, seat.step()) == "continue":
            pass
    assert agenda.over
