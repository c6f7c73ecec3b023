"""What a machine and a checkout are called, for the records of a run."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

PACKAGES = ("convfrontier", "torch", "torchvision", "fvcore", "ray", "optuna", "scikit-learn")


@cache
def cpu() -> str:
    """The processor's name, empty where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else ""


@cache
def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


@cache
def revision() -> str:
    """The commit of this code, with "-dirty" where it was changed; empty outside a checkout."""
    folder = Path(__file__).parent
    # Installed into someone else's checkout, this file is not one of its own.
    if _git(folder, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return ""
    return _git(folder, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*") or ""


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None if it fails or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def environment(device: torch.device | None = None) -> dict[str, str]:
    """Versions of what decides a result, the machine and, if given, the device by name."""
    values = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            values[package] = version(package)
        except PackageNotFoundError:
            continue
    values |= {"cpu": cpu(), "cores": str(cores()), "revision": revision()}
    if device is not None:
        cuda = device.type == "cuda"
        values["device"] = torch.cuda.get_device_name(device) if cuda else "cpu"
    return {name: value for name, value in values.items() if value}
