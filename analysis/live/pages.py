"""The parts of a live page that are made from results: the first screen and the report."""

import threading
from collections.abc import Callable
from pathlib import Path

from analysis.data.networks import networks_json
from analysis.data.runs import Run, read_run
from analysis.render.html import figures_page, html_page
from analysis.sections.network_stages import stage_drawings
from analysis.sections.overview import run_overview
from analysis.sections.report_page import report_groups
from searchspace import InputError
from studies.rundir.jsonl import Stamp, file_stamp
from studies.rundir.store import RESULTS, STUDY


class RunPages:
    """The first screen and the report of one run, made anew when its results have changed."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.number = folder, number
        self.lock = threading.Lock()
        self._made: dict[str, tuple[tuple[Stamp, ...], str]] = {}

    def _stamps(self) -> tuple[Stamp, ...]:
        files = (self.folder / STUDY, self.folder / RESULTS)
        return tuple(file_stamp(file) for file in files if file.exists())

    def _current(self, name: str, make: Callable[[], str]) -> str:
        """The text of this name, made again if a file of the run has changed since."""
        with self.lock:
            stamps = self._stamps()
            made = self._made.get(name)
            if made is None or made[0] != stamps:
                made = self._made[name] = (stamps, make())
            return made[1]

    def first_screen(self) -> str:
        """The question, the answer and the front as HTML; a sentence before there are any."""
        return self._current("first screen", self._made_screen)

    def _made_screen(self) -> str:
        run = self._run()
        if isinstance(run, str):
            return html_page("live_run.html", overview=None, why=run, number=self.number)
        overview = run_overview(run, self.number)
        return html_page("live_run.html", overview=overview, why="", number=self.number)

    def report(self) -> str:
        """The whole report."""
        return self._current("report", self._made_report)

    def _made_report(self) -> str:
        run = self._run()
        if isinstance(run, str):
            return html_page("live_run.html", overview=None, why=run, number=self.number)
        return figures_page(
            run.experiment.question,
            report_groups([run]),
            [networks_json(run)],
            overviews=[run_overview(run, 0)],
            drawings={0: stage_drawings(run)},
        )

    def _run(self) -> Run | str:
        """The run, or why it cannot be read."""
        if not (self.folder / STUDY).exists():
            return f"{self.folder} holds no run yet."
        try:
            return read_run(self.folder)
        except InputError as error:
            return str(error)
