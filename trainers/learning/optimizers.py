"""The optimiser of a recipe: torch's by their names, and LAMB of timm's.

Yang You, Jing Li, Sashank Reddi, Jonathan Hseu, Sanjiv Kumar, Srinadh Bhojanapalli, Xiaodan Song,
James Demmel, Kurt Keutzer and Cho-Jui Hsieh, "Large Batch Optimization for Deep Learning: Training
BERT in 76 minutes", ICLR 2020 (LAMB). https://arxiv.org/abs/1904.00962
"""

import inspect
from collections.abc import Collection, Iterator
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from searchspace import InputError
from trainers.recipe import TIMM_OPTIMIZERS, Recipe


def make_optimizer(
    network: nn.Module, recipe: Recipe, kept: Collection[str] = ()
) -> torch.optim.Optimizer:
    """The recipe's optimiser of the parameters that are trained.

    A group's `share` is what its rate is multiplied by; `kept` are the names of parameters that
    start from given weights.
    """
    groups = list(_groups(network, recipe, kept))
    if not groups:
        raise InputError("freeze leaves no parameter to train")
    kind = _optimizer_class(recipe.optimizer)
    taken = inspect.signature(kind).parameters
    settings: dict[str, Any] = {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    for name in ("momentum", "nesterov", "betas"):
        if name in taken:
            settings[name] = getattr(recipe, name)
    if "fused" in taken:
        settings["fused"] = True
    optimizer = kind(groups, **settings)
    if kind is torch.optim.SGD and recipe.momentum:
        # The fused form makes them at the first step and leaves in them what was in memory if the
        # scaler, whose first guess is often too large, skips that step.
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def _groups(network: nn.Module, recipe: Recipe, kept: Collection[str]) -> Iterator[dict[str, Any]]:
    """Parameters that share their rate and decay, in the network's order."""
    groups: dict[tuple[bool, float], list[Tensor]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            scores = name == "importance"
            decays = recipe.decay_norms or parameter.ndim > 1
            decays = recipe.decay_scores if scores else decays
            share = recipe.kept_rate if name in kept else 1.0
            groups.setdefault((decays, share), []).append(parameter)
    for (decays, share), parameters in sorted(groups.items(), key=lambda group: not group[0][0]):
        group: dict[str, Any] = {"params": parameters}
        if not decays:
            group["weight_decay"] = 0.0
        if share != 1:
            group["share"] = share
        yield group


def _optimizer_class(name: str) -> Any:
    if name not in TIMM_OPTIMIZERS:
        return getattr(torch.optim, name)
    try:
        return getattr(import_module("timm.optim"), name)
    except ImportError:
        raise InputError(f"the optimizer {name} is one of timm's; pip install timm") from None
