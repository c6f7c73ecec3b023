"""A few training steps on generated scenes: whether a model learns at all."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from trainers.dense.detection import MEAN, STD
from trainers.dense.shapes import Scenes


def fit(
    model: nn.Module,
    draw: Callable[[], Scenes],
    steps: int,
    *,
    lr: float = 0.02,
    report: Callable[[int, float], None] | None = None,
) -> list[float]:
    """The loss of each step of SGD on the scenes drawn; a detector's is the sum of its losses."""
    device = next(model.parameters()).device
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(trained, lr=lr, momentum=0.9, weight_decay=1e-4)
    model.train()
    losses = []
    for step in range(1, steps + 1):
        loss = loss_on(model, draw(), device)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 10.0)
        optimiser.step()
        losses.append(loss.item())
        if report is not None:
            report(step, losses[-1])
    return losses


def loss_on(model: nn.Module, batch: Scenes, device: torch.device) -> torch.Tensor:
    """The loss in training mode: of a detector on boxes and masks, of a segmenter on pixels."""
    if hasattr(model, "rpn"):
        targets = [{name: v.to(device) for name, v in t.items()} for t in batch.targets]
        losses: dict[str, torch.Tensor] = model(list(batch.images.to(device)), targets)
        return torch.stack(list(losses.values())).sum()
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    logits = model(((batch.images - mean) / std).to(device))["out"]
    return F.cross_entropy(logits, batch.labels.to(device))
