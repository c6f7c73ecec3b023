"""Signals that stop a run: the first one ends it at once, a second one without waiting."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
STATUS_BASE = 128
"""The exit status of a program that a signal has stopped is this plus the signal's number."""


class StopSignals:
    """Raises KeyboardInterrupt at the first signal that stops a program, whichever it is.

    `number` is then that of the signal. At a second one, `stop_now` is called and the process ends.
    Signals that the process ignores, as under nohup, stay ignored.
    """

    def __init__(self, stop_now: Callable[[], None]) -> None:
        self.stop_now = stop_now
        self.number: int = signal.SIGINT
        self.received = False
        self.before: dict[int, object] = {}

    def __enter__(self) -> "StopSignals":
        # Python delivers signals to the main thread only.
        if threading.current_thread() is threading.main_thread():
            self.before = {
                number: handler
                for number in STOPPING
                if (handler := signal.getsignal(number)) != signal.SIG_IGN
            }
            self.install()
        return self

    def install(self) -> None:
        """Handle the signals, though something else has set handlers of its own."""
        for number in self.before:
            signal.signal(number, self._handle)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            self.stop_now()
            os._exit(STATUS_BASE + number)
        self.received, self.number = True, number
        # Not by print: the signal may have come in the middle of one.
        os.write(2, b"\nStopping; once more to stop at once.\n")
        raise KeyboardInterrupt
