"""Notices that Ray's head or this machine's node manager is lost, for which Ray waits too long."""

import errno
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

CHECK_SECONDS = 1.0
"""Between checks."""
CONNECT_SECONDS = 5.0
LOCAL_PATIENCE, CLUSTER_PATIENCE = 2.0, 30.0
"""Seconds that a head may be silent; that of a cluster may be restarted."""
GONE = (errno.ECONNREFUSED, errno.ENOENT)


class Watchdog(threading.Thread):
    """Calls `lost` with a few words once Ray's head or the local raylet no longer answers.

    `head` is HOST:PORT of the head, `raylet` the path of the raylet's socket. The main thread may
    then be blocked in Ray for minutes, so `lost` is called in this thread.
    """

    def __init__(
        self, head: str, raylet: str, lost: Callable[[str], None], patience: float = LOCAL_PATIENCE
    ) -> None:
        super().__init__(daemon=True)
        self.head, self.raylet, self.lost, self.patience = head, raylet, lost, patience
        self.stopped = threading.Event()

    def run(self) -> None:
        """Check until `stop` is called or something is lost."""
        answered = monotonic()
        while not self.stopped.wait(CHECK_SECONDS):
            answers = head_answers(self.head)
            if answers:
                answered = monotonic()
            if raylet_is_gone(self.raylet):
                what = "Ray's node manager (raylet) on this machine has ended"
            elif not answers and monotonic() - answered > self.patience:
                what = f"Ray's head at {self.head} no longer answers"
            else:
                continue
            # Whoever shuts Ray down stops this thread first, possibly just now.
            if not self.stopped.is_set():
                self.lost(what)
            return

    def stop(self) -> None:
        """End the watch, because Ray is about to be shut down."""
        self.stopped.set()


def head_answers(address: str) -> bool:
    """Whether something takes connections at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def raylet_is_gone(path: str) -> bool:
    """Whether nothing listens at a local socket; one that is busy is not gone."""
    with socket.socket(socket.AF_UNIX) as connection, suppress(TimeoutError):
        connection.settimeout(CONNECT_SECONDS)
        return connection.connect_ex(path) in GONE
    return False
