"""Starts Ray on this machine or a cluster, and keeps it for all runs of a command."""

import logging
import os
import secrets
import shutil
import socket
import tempfile
import time
from contextlib import suppress
from itertools import chain
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any

from searchspace import InputError
from searchspace.errors import first_line
from studies.execution import data_cache
from studies.execution.job_queue import JobQueue
from studies.execution.resources import Resources
from studies.execution.stop_signals import StopSignals
from studies.execution.watchdog import CLUSTER_PATIENCE, LOCAL_PATIENCE, Watchdog
from studies.spec import user_operators

ASK_SECONDS = 2.0
"""Between questions to Ray about the size of the cluster."""

CONNECT_SECONDS = 5

LOST = 1
"""The exit status of a run that lost Ray."""

QUIET = {
    # Tune's own files and messages: the store is the truth of a run and progress is ours.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_SYNCER": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "0",
}


class RayBackend:
    """Trains the jobs of queues in Ray's processes.

    Ray is imported and started by the first queue that is run, as that takes seconds. If Ray's head
    or the local raylet is lost, this process ends with one sentence: Ray itself would block it for
    minutes. What is stored stays, and the same command continues.
    """

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self.name = secrets.token_hex(8)
        self.started = False
        self.asked_at = -inf
        self.room = 1
        self.watchdog: Watchdog | None = None

    def __enter__(self) -> "RayBackend":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers and remove the data that they share; the next run starts others.

        Nothing that they would still do is needed: results are stored when they are reported.
        """
        if self.watchdog is not None:
            self.watchdog.stop()
            self.watchdog = None
        if self.started:
            import ray

            node = ray._private.worker._global_node
            if node is not None:
                # It would give each of its processes a second to end by itself, one by one.
                node.kill_all_processes = lambda **settings: _kill_ray()
            ray.shutdown()
            data_cache.release(self.name)
            self.started = False

    def run(self, queue: JobQueue) -> None:
        """Train until the queue is done; an error or a signal ends the workers at once."""
        with StopSignals(_kill_ray) as signals:
            try:
                self._run(queue, signals)
            except KeyboardInterrupt:
                queue.stopped_by = signals.number
                self.close()
            except BaseException:
                self.close()
                raise

    def _run(self, queue: JobQueue, signals: StopSignals) -> None:
        if not self.started:
            # Set first, so that a Ray that fails while starting is shut down too.
            self.started = True
            _start_ray(self.resources)
            # Ray has set a handler of its own.
            signals.install()
            _check_room(self.resources)
            self._watch()
        from studies.execution.tune_backend import run_in_tune

        queue.run = self.name
        try:
            scratch = Path(tempfile.mkdtemp(dir=data_cache.held(self.name)))
        except OSError as error:
            raise InputError(f"cannot use {data_cache.home()}: {error.strerror}") from None
        try:
            run_in_tune(queue, self.slots, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _watch(self) -> None:
        """Start the watchdog, unless this process reaches Ray through a client."""
        import ray

        node = ray._private.worker._global_node
        if node is not None:
            patience = CLUSTER_PATIENCE if self.resources.address else LOCAL_PATIENCE
            self.watchdog = Watchdog(
                node.gcs_address, node.raylet_socket_name, self._lost, patience
            )
            self.watchdog.start()

    def _lost(self, what: str) -> None:
        """End this process, whose main thread may be blocked, and what it has started."""
        sentence = (
            f"{what}; the run was stopped, its results are kept, and the same command goes on"
        )
        # Not by print: the main thread may hold a lock. A progress bar has hidden the cursor.
        cursor = "\x1b[?25h" if os.isatty(2) else ""
        os.write(2, f"{cursor}\nerror: {sentence}\n".encode())
        _kill_ray()
        data_cache.release(self.name)
        os._exit(LOST)

    def slots(self) -> int:
        """How many jobs fit on the machines that are available now.

        At most `workers`; nodes may come and go.
        """
        if time.monotonic() - self.asked_at >= ASK_SECONDS:
            self.asked_at = time.monotonic()
            available = _cluster_resources()
            fit = self.resources.jobs_that_fit(available.get("CPU", 0), available.get("GPU", 0))
            # A cluster without room grows when a job waits for it.
            self.room = max(1, fit)
        return min(self.room, self.resources.workers or self.room)


def _kill_ray() -> None:
    """Kill the processes that this one has started for Ray, with the agents that those started."""
    import psutil  # type: ignore[import-untyped]  # Ray brings it along.
    import ray

    node = ray._private.worker._global_node
    if node is not None:
        # Agents of a killed raylet may stay for ever; afterwards they are nobody's descendants.
        # Only Ray's: a program that calls us may have other children.
        descendants = []
        for started in chain.from_iterable(node.all_processes.values()):
            with suppress(psutil.NoSuchProcess):
                descendants += psutil.Process(started.process.pid).children(recursive=True)
        type(node).kill_all_processes(node, check_alive=False, allow_graceful=False)
        for process in descendants:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _cluster_resources() -> dict[str, float]:
    import ray

    available: dict[str, float] = ray.cluster_resources()
    return available


def _check_room(resources: Resources) -> None:
    """Raise an InputError for a job that no machine has room for: Ray would wait for one."""
    import ray

    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus, cpus = (max((m.get(kind, 0) for m in machines), default=0) for kind in ("GPU", "CPU"))
    if resources.gpus_per_trial > gpus:
        where = "there are" if len(machines) == 1 else "the largest machine has"
        raise InputError(
            f"--gpus-per-trial {resources.gpus_per_trial:g} cannot be met: {where} {gpus:g} GPUs"
        )
    # Machines with more cores may join a cluster.
    if resources.address is None and resources.cpus > cpus:
        raise InputError(f"a job needs {resources.cpus} CPU cores, and there are {cpus:g}")


def _check_reachable(address: str) -> None:
    """Raise an InputError if nothing listens at HOST:PORT; ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(f"cannot reach a Ray cluster at {address!r}: {error}") from None


def _start_ray(resources: Resources) -> None:
    if resources.address is not None:
        _check_reachable(resources.address)
    os.environ.update(QUIET)
    import ray

    for name in ("ray", "ray.tune", "ray.train"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # It would print twenty lines of the log of a raylet that has ended.
    ray._private.worker.print_to_stdstream = lambda *values, **settings: None
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if resources.address is None:
        cores = resources.workers and resources.workers * resources.cpus
        settings |= {"include_dashboard": False, "num_cpus": cores}
    else:
        import searchspace
        import studies
        import trainers

        # The nodes of a cluster run this code, whatever is installed there. Paths and not modules:
        # `ray job submit` has Ray copy these settings, which fails with modules.
        packages = (searchspace, studies, trainers)
        settings["runtime_env"] = {"py_modules": [each.__path__[0] for each in packages]}
    for module in user_operators.modules():
        # Workers need not have it, nor know where it is.
        ray.cloudpickle.register_pickle_by_value(module)
    try:
        ray.init(address=resources.address or "local", **settings)
    except (OSError, ValueError, RuntimeError) as error:
        reason = first_line(error)
        if resources.address is None:
            raise InputError(
                f"cannot start Ray on this machine: {reason} (its sockets need a temporary "
                "directory with a short name: set RAY_TMPDIR)"
                if "AF_UNIX" in reason
                else f"cannot start Ray on this machine: {reason}"
            ) from None
        raise InputError(f"cannot reach a Ray cluster at {resources.address!r}: {reason}") from None
