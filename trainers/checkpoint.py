"""The state of a training run on disk, written atomically and read without unpickling code."""

import os
import tempfile
from pathlib import Path

import torch

from searchspace.schema import from_json, to_json
from trainers.job import Epoch
from trainers.training import Training

NAME = "checkpoint.pt"


def save_checkpoint(training: Training, folder: Path) -> None:
    """Write the state of `training`; a reader sees the old file or the new one, never a part."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        "job": training.job.key,
        "network": training.network.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "order": training.order.get_state(),
        "random": training.random_state,
        "curve": [to_json(epoch) for epoch in training.curve],
        "seconds": training.seconds,
        "reason": training.reason,
    }
    with tempfile.NamedTemporaryFile(dir=folder, prefix=NAME, delete=False) as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, folder / NAME)


def load_checkpoint(training: Training, folder: Path) -> bool:
    """Restore `training` if `folder` holds a checkpoint of the same job; say whether it did."""
    path = folder / NAME
    if not path.exists():
        return False
    state = torch.load(path, map_location=training.device, weights_only=True)
    if state["job"] != training.job.key:
        return False
    training.network.load_state_dict(state["network"])
    training.optimizer.load_state_dict(state["optimizer"])
    training.order.set_state(state["order"].cpu())
    training.random_state = [part.cpu() for part in state["random"]]
    training.curve = [from_json(Epoch, epoch) for epoch in state["curve"]]
    training.seconds = state["seconds"]
    training.reason = state["reason"]
    return True
