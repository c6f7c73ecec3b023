"""The server of live pages: standard library, on loopback, answers that only read."""

import json
import logging
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from analysis.live.pages import RunPages
from analysis.live.snapshot import LiveRun
from analysis.render.html import html_page
from searchspace import InputError
from searchspace.errors import with_kind

LOG = logging.getLogger(__name__)

PERIOD = 1.0
"""Seconds between looks at the run directories."""
FAREWELL = 2.0
"""Seconds that the end waits for those who listen."""
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data: blob:; font-src data:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class LiveServer(ThreadingHTTPServer):
    """Serves pages of runs at an address; `PORT` 0 is any that is free."""

    daemon_threads = True

    def __init__(self, folders: Sequence[Path], host: str = "127.0.0.1", port: int = 0) -> None:
        self.runs = [LiveRun(folder) for folder in folders]
        self.pages = [RunPages(folder, number) for number, folder in enumerate(folders)]
        self.local_only = _is_loopback(host)
        self.changed = threading.Condition()
        self.jobs = "[]"
        self.screens = [""] * len(folders)
        self.told: set[str] = set()
        self.listeners = 0
        self.stopped = threading.Event()
        # What cannot listen is closed, too, and has nobody to tell.
        self.stopped.set()
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"cannot listen at {host}:{port}: {reason}") from None
        self.stopped.clear()
        self.look()
        for work in (self._follow, self._draw):
            threading.Thread(target=work, daemon=True).start()

    @property
    def address(self) -> str:
        """Where a browser finds the page."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}/"

    def look(self) -> None:
        """Read what the jobs of all runs do; those who listen are told if it is news."""
        for run in self.runs:
            run.update()
        # `<` stays out of what a page may take for markup.
        jobs = json.dumps([run.snapshot() for run in self.runs]).replace("<", "\\u003c")
        if jobs != self.jobs:
            with self.changed:
                self.jobs = jobs
                self.changed.notify_all()

    def _follow(self) -> None:
        while not self.stopped.wait(PERIOD):
            self.look()

    def _draw(self) -> None:
        """Make first screens anew; one takes a part of the time only, as runs need the cores."""
        while not self.stopped.is_set():
            began = time.thread_time()
            self.draw()
            self.stopped.wait(max(PERIOD, 10 * (time.thread_time() - began)))

    def draw(self) -> None:
        """Make the first screens whose results have changed; an error is told once."""
        for number, pages in enumerate(self.pages):
            try:
                screen = pages.first_screen()
            # A server goes on: files may be written at this moment, and are looked at again.
            except Exception as error:
                text = f"{pages.folder} cannot be drawn now: {with_kind(error)}"
                if text not in self.told:
                    self.told.add(text)
                    LOG.warning("%s", text)
                continue
            if screen != self.screens[number]:
                with self.changed:
                    self.screens[number] = screen
                    self.changed.notify_all()

    def server_close(self) -> None:
        """Look a last time, tell those who listen that this is the end, and stop all threads."""
        if not self.stopped.is_set():
            self.look()
            self.draw()
        self.stopped.set()
        with self.changed:
            self.changed.notify_all()
            self.changed.wait_for(lambda: not self.listeners, FAREWELL)
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers GET for the page, the events and the reports."""

    server: LiveServer

    def do_GET(self) -> None:
        if self.server.local_only and not self._asked_locally():
            self.send_error(403, "This page is for this machine only")
            return
        path = self.path.split("?")[0]
        if path == "/":
            names = [str(run.folder) for run in self.server.runs]
            self._page(html_page("watch.html", title=_title(names), names=names))
        elif path == "/events":
            self._events()
        elif path.startswith("/report/") and path[8:].isdecimal() and len(path) < 12:
            number = int(path[8:])
            if number < len(self.server.pages):
                self._page(self.server.pages[number].report())
            else:
                self.send_error(404)
        else:
            self.send_error(404)

    def _asked_locally(self) -> bool:
        """Whether the address in the browser is this machine's own: another name may point here."""
        host = self.headers.get("Host", "").rsplit(":", 1)[0].strip("[]")
        origin = self.headers.get("Origin", "")
        return host in LOOPBACK and (not origin or origin == f"http://{self.headers['Host']}")

    def _page(self, text: str) -> None:
        data = text.encode()
        self._head("text/html; charset=utf-8", len(data))
        self.wfile.write(data)

    def _head(self, kind: str, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()

    def _events(self) -> None:
        """Send jobs and first screens as they change, until the browser goes away or the end."""
        self._head("text/event-stream")
        server = self.server
        with server.changed:
            server.listeners += 1
        try:
            self._follow()
        except OSError:
            return
        finally:
            with server.changed:
                server.listeners -= 1
                server.changed.notify_all()

    def _follow(self) -> None:
        server, jobs = self.server, ""
        screens = [""] * len(server.screens)
        while True:
            # Asked before the news are sent: what came before the end is sent before it is told.
            last = server.stopped.is_set()
            if server.jobs != jobs:
                jobs = server.jobs
                self._send("jobs", jobs)
            for number, screen in enumerate(server.screens):
                if screen != screens[number]:
                    screens[number] = screen
                    self._send("screen", json.dumps({"run": number, "html": screen}))
            if last:
                self._send("closed", "{}")
                return

            def is_news(jobs: str = jobs) -> bool:
                return server.stopped.is_set() or server.jobs != jobs or server.screens != screens

            with server.changed:
                news = server.changed.wait_for(is_news, 15)
            if not news:
                self.wfile.write(b": still here\n\n")
                self.wfile.flush()

    def _send(self, event: str, data: str) -> None:
        self.wfile.write(f"event: {event}\ndata: {data}\n\n".encode())
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        return


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _title(names: Sequence[str]) -> str:
    return f"Watching {names[0]}" if len(names) == 1 else f"Watching {len(names)} runs"
