"""Weights that are not trained."""

from collections.abc import Collection
from fnmatch import fnmatchcase

from torch import nn

from searchspace import InputError

NORMS = nn.modules.batchnorm._BatchNorm


def freeze(network: nn.Module, kept: Collection[str], patterns: Collection[str]) -> list[nn.Module]:
    """Freeze the kept parameters that match a pattern; the batch norms whose all are frozen.

    Those use their running statistics in training too.
    """
    named = dict(network.named_parameters())
    for pattern in patterns:
        matched = [name for name in kept if name in named and fnmatchcase(name, pattern)]
        if not matched:
            raise InputError(
                f"freeze: no weight that is kept matches {pattern!r}; the first of them are "
                f"{', '.join(sorted(kept)[:5])}"
            )
        for name in matched:
            named[name].requires_grad_(False)
    return [
        module
        for module in network.modules()
        if isinstance(module, NORMS) and _all_frozen(list(module.parameters()))
    ]


def _all_frozen(parameters: list[nn.Parameter]) -> bool:
    return bool(parameters) and not any(p.requires_grad for p in parameters)
