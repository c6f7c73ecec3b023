"""What runs inside a worker process: one job after another, an epoch at a time."""

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from searchspace.schema import to_json
from trainers import Job, Training

PACKAGES = ("convfrontier", "torch", "torchvision", "fvcore", "ray", "optuna", "scikit-learn")


class Worker:
    """The job in progress of one worker process."""

    def __init__(self, config: dict[str, Any]) -> None:
        device = "cuda" if config["gpu"] else "cpu"
        if device == "cpu":
            # One worker per core: threads within a worker would compete with its neighbours.
            torch.set_num_threads(1)
        root = config["data_root"]
        self.key = config["key"]
        self.training = Training(
            Job.from_json(config["job"]), data_root=Path(root) if root else None, device=device
        )

    def step(self) -> dict[str, Any]:
        """Train for an epoch; the last step carries the finished record."""
        progress = self.training.epoch()
        report: dict[str, Any] = {"key": self.key, "epoch": progress.epoch, "done": False}
        if self.training.done:
            report |= {"done": True, "record": self._record()}
        return report

    def _record(self) -> dict[str, Any]:
        job = self.training.job
        return {
            "key": job.key,
            "job": job.to_json(),
            "result": to_json(self.training.result()),
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "environment": environment(self.training.device),
        }


def environment(device: torch.device | None = None) -> dict[str, str]:
    """Versions of what decides a result and, if given, the device by name."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if device is not None:
        cuda = device.type == "cuda"
        found["device"] = torch.cuda.get_device_name(device) if cuda else "cpu"
    return found
