"""Stochastic depth: in training, some images skip a block.

Gao Huang, Yu Sun, Zhuang Liu, Daniel Sedra and Kilian Weinberger, "Deep Networks with Stochastic
Depth", ECCV 2016, Section 3, linear decay. https://arxiv.org/abs/1603.09382
"""

from torch import nn

from searchspace import InputError

RATES = {"StochasticDepth": "p", "DropPath": "drop_prob"}
"""The attribute with the share of images that skip, by the class of torchvision's or timm's."""


def set_drop_path(network: nn.Module, rate: float) -> None:
    """Let `rate` of the images skip the last block, and fewer skip earlier ones, linearly."""
    blocks = [module for module in network.modules() if type(module).__name__ in RATES]
    if not blocks:
        raise InputError(
            f"drop_path is {rate:g}, and {type(network).__name__} has no stochastic depth; "
            "set drop_path to 0"
        )
    for i, module in enumerate(blocks):
        setattr(module, RATES[type(module).__name__], rate * i / max(len(blocks) - 1, 1))
