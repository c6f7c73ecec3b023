"""What a run does now, read from its directory alone."""

import json
import os
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studies.trackers.live_log import FILE

SHOWN, LINES = 64, 14
"""Running jobs and lines of the log that a page shows."""
QUIET = 120.0
"""Seconds without news after which a run of another machine counts as interrupted."""


@dataclass
class RunningJob:
    """A job that trains: its curve of (epoch, validation accuracy) so far, and where it runs."""

    name: str
    planned: int
    since: float
    host: str = ""
    pid: int = 0
    curve: list[tuple[int, float]] = field(default_factory=list)


class LiveRun:
    """Follows the live log of a run directory; `update` reads what was added since."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._clear()

    def _clear(self) -> None:
        self.offset = 0
        self.inode: int | None = None
        self.rest = b""
        self.pid, self.host, self.last = 0, "", 0.0
        self.closed = False
        self.running: dict[str, RunningJob] = {}
        self.ended: dict[str, int] = {}
        self.total, self.done, self.left = 0, 0.0, ""
        self.log: deque[str] = deque(maxlen=LINES)

    def update(self) -> bool:
        """Read what is new; whether there was anything."""
        try:
            with (self.folder / FILE).open("rb") as file:
                stat = os.fstat(file.fileno())
                if stat.st_ino != self.inode or stat.st_size < self.offset:
                    # A new command writes it anew.
                    self._clear()
                    self.inode = stat.st_ino
                file.seek(self.offset)
                data = file.read()
        except OSError:
            return False
        self.offset += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for event in _events(lines):
            self._take(event)
        return bool(lines)

    def _take(self, event: dict[str, Any]) -> None:
        kind, key = event.get("event"), str(event.get("key", ""))
        self.last = float(event.get("time", self.last))
        self.total = int(event.get("total", self.total))
        self.done = float(event.get("done", self.done))
        self.left = str(event.get("left", self.left))
        if kind == "run":
            self.pid, self.host = int(event["pid"]), str(event["host"])
        elif kind == "started":
            name, planned = str(event["name"]), int(event["planned"])
            self.running[key] = RunningJob(name, planned, self.last)
        elif kind == "placed" and key in self.running:
            job = self.running[key]
            job.host, job.pid = str(event["host"]), int(event["pid"])
        elif kind == "epochs" and key in self.running:
            self.running[key].curve += [(int(e), float(a)) for e, _, a in event["epochs"]]
        elif kind == "ended":
            self.running.pop(key, None)
            status = str(event["status"])
            self.ended[status] = self.ended.get(status, 0) + 1
            accuracy = event.get("accuracy")
            told = event.get("reason") if accuracy is None else f"{100 * accuracy:.1f} %"
            self._say(f"{event['name']}: {status}, {told}")
        elif kind == "note":
            self._say(str(event["text"]))
        elif kind == "closed":
            self.closed = True

    def _say(self, text: str) -> None:
        self.log.append(f"{time.strftime('%H:%M:%S', time.localtime(self.last))}  {text}")

    @property
    def state(self) -> str:
        """What the command that trains does, in words."""
        if self.inode is None:
            return "not live: no command has written a live log here"
        if self.closed:
            return "ended"
        return "running" if self._alive() else "interrupted"

    def _alive(self) -> bool:
        """Whether the command still goes on, as far as can be told from here."""
        if self.host != socket.gethostname():
            return time.time() - self.last < QUIET
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def snapshot(self) -> dict[str, Any]:
        """What a page shows of the jobs, as JSON."""
        state = self.state
        goes_on = state == "running"
        nodes = Counter(job.host for job in self.running.values() if job.host)
        ended = sum(self.ended.values())
        return {
            "state": state,
            "running": [vars(job) for job in list(self.running.values())[:SHOWN]],
            "counts": {
                "waiting": max(0, self.total - ended - len(self.running)),
                "running" if goes_on else "interrupted": len(self.running),
                **self.ended,
            },
            "nodes": dict(nodes),
            "done": 1.0 if state == "ended" and not self.running else self.done,
            "left": self.left if goes_on else "",
            "log": list(self.log),
        }


def _events(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    """The events of complete lines; a damaged one is passed over."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event
