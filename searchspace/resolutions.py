"""Resolution-switchable networks (RS-Net): one set of weights for several input sizes.

Yikai Wang, Fuchun Sun, Duo Li and Anbang Yao, "Resolution Switchable Networks for Runtime Efficient
Image Recognition", ECCV 2020. https://arxiv.org/abs/2007.09558

Section 3. Convolutions and the classifier are shared; each size has batch norms of its own (eq. 3)
and a score in an ensemble of the sizes' predictions (eq. 5), which teaches them in training. At a
size between two trained ones, in evaluation, norm parameters and statistics are interpolated
linearly (Section 4.3); beyond the largest and the smallest the paper defines nothing, and such an
input is an error. A network of one size has one set of norms, which serves every size, as of a
plain network.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

from searchspace.checks import MAX_BRANCHES, MAX_SIZE, check_integer, check_one_of
from searchspace.errors import InputError
from searchspace.layers.norms import Blend, PrivateBatchNorm2d
from searchspace.schema import OMIT_DEFAULT

M = TypeVar("M", bound=nn.Module)
Distillation = Literal["none", "vanilla", "full", "higher", "highest"]


@dataclass(frozen=True)
class Resolutions:
    """The input sizes that a network switches between, in pixels, and what is private to each.

    A size that is named more than once is that many views of each image, which share the size's
    norms (the control of Table 6); with one size only, this is the training of a plain network.
    `norms` is "private" (one batch norm per size) or "shared" (Figure 4, left). `distillation` says
    which predictions teach which in training: "none"; "vanilla", the ensemble all sizes (eq. 8);
    "full", also each size all smaller ones (eq. 10); without the ensemble, "higher", each size all
    smaller ones, and "highest", the largest all others (Table 5). `tested` are sizes at which the
    network is measured and not trained, beside those of `between`: with several sizes they lie
    between the smallest and the largest, and a network of one size has its norms for all (I-224 in
    Table 2).
    """

    sizes: tuple[int, ...]
    norms: Literal["private", "shared"] = "private"
    distillation: Distillation = "full"
    tested: tuple[int, ...] = field(default=(), metadata=OMIT_DEFAULT)

    def __post_init__(self) -> None:
        for size in self.sizes + self.tested:
            check_integer(1, MAX_SIZE, size=size)
        if len(self.sizes) > MAX_BRANCHES or len(self.tested) > MAX_BRANCHES:
            raise InputError(f"sizes and tested must have at most {MAX_BRANCHES} entries each")
        if not self.sizes:
            raise InputError("sizes must be one or more numbers of pixels, got none")
        # The order is the paper's: p_1 is the prediction at the largest size.
        object.__setattr__(self, "sizes", tuple(sorted(self.sizes, reverse=True)))
        check_one_of(("private", "shared"), norms=self.norms)
        check_one_of(
            ("none", "vanilla", "full", "higher", "highest"), distillation=self.distillation
        )
        tested = sorted(set(self.tested) - set(self.sizes) - set(self.between), reverse=True)
        object.__setattr__(self, "tested", tuple(tested))
        for size in tested:
            self.blend(size)

    @property
    def ensemble(self) -> bool:
        """Whether training uses the ensemble's prediction, and so learns its scores."""
        return self.distillation in ("vanilla", "full")

    @property
    def distinct(self) -> tuple[int, ...]:
        """Each size once, from the largest on."""
        return tuple(dict.fromkeys(self.sizes))

    @property
    def between(self) -> tuple[int, ...]:
        """The sizes halfway between trained sizes, where they are sizes of their own."""
        middles = [(large + small) // 2 for large, small in pairwise(self.distinct)]
        return tuple(size for size in middles if size not in self.sizes)

    @property
    def untrained(self) -> tuple[int, ...]:
        """The sizes at which the network is measured and not trained."""
        return self.between + self.tested

    def label(self) -> str:
        """A short name for tables and plots."""
        sizes = "/".join(map(str, self.sizes))
        norms = "" if self.norms == "private" else ", shared norms"
        tested = f", tested at {'/'.join(map(str, self.tested))}" if self.tested else ""
        return f"{sizes} px{norms}, {self.distillation} distillation{tested}"

    def blend(self, size: int, training: bool = False) -> Blend:
        """The norms for an input size: those of a trained size, or two interpolated."""
        sizes = self.distinct
        if size in sizes:
            index = sizes.index(size)
            return Blend(index, index)
        if training:
            raise InputError(f"training is for the sizes {_listed(sizes)}, got {size}")
        if len(sizes) == 1:
            return Blend()
        for i, (large, small) in enumerate(pairwise(sizes)):
            if small < size < large:
                return Blend(i, i + 1, (large - size) / (large - small))
        raise InputError(
            f"size must be from {sizes[-1]} to {sizes[0]}, the sizes of this network's "
            f"batch norms, got {size}"
        )

    def switchable(self, network: nn.Module) -> nn.Module:
        """The same network, made switchable in place; its input's size selects the norms."""
        if self.norms == "private":
            self.privatise(network)
            network.register_forward_pre_hook(SelectNorms(self))
        if self.ensemble:
            network.register_parameter("importance", nn.Parameter(torch.zeros(len(self.sizes))))
        return network

    def privatise(self, network: nn.Module) -> nn.Module:
        """Where norms are private, give every one below `network` a copy per size, in place."""
        if self.norms == "private":
            count = len(self.distinct)
            _replace(network, nn.BatchNorm2d, lambda norm: PrivateBatchNorm2d(norm, count))
        return network

    def at_size(self, network: nn.Module, size: int) -> nn.Module:
        """A plain network for one size: a copy with that size's norms only, without scores."""
        blend = self.blend(size)
        network = copy.deepcopy(network)
        for key, hook in list(network._forward_pre_hooks.items()):
            if isinstance(hook, SelectNorms):
                del network._forward_pre_hooks[key]
        _replace(network, PrivateBatchNorm2d, lambda norm: norm.selected(blend))
        if self.ensemble:
            del network.importance
        return network


@dataclass(frozen=True)
class SelectNorms:
    """A forward pre-hook that selects a network's private norms by the input's size."""

    resolutions: Resolutions

    def __call__(self, network: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Raise an InputError if the network has no norms for this input."""
        height, width = (int(side) for side in inputs[0].shape[-2:])
        if height != width:
            raise InputError(f"a switchable network takes square images, got {height}x{width}")
        blend = self.resolutions.blend(width, network.training)
        for module in network.modules():
            if isinstance(module, PrivateBatchNorm2d):
                module.blend = blend


def _replace(network: nn.Module, kind: type[M], make: Callable[[M], nn.Module]) -> None:
    """Replace every module of one kind; one that is used in two places, by one replacement."""
    made: dict[nn.Module, nn.Module] = {}
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, kind):
                if child not in made:
                    made[child] = make(child)
                setattr(parent, name, made[child])


def ensemble_logits(network: nn.Module, logits: Sequence[Tensor]) -> Tensor:
    """sum_s alpha_s * z_s, alpha the softmax of the importance scores (eq. 5).

    `logits` are (N, classes) for each size from the largest on; they are detached, so a loss of the
    result updates only the scores.
    """
    scores = network.get_parameter("importance")
    if len(logits) != len(scores):
        raise InputError(f"logits must be given for {len(scores)} sizes, got {len(logits)}")
    weights = scores.softmax(0)
    return (weights[:, None, None] * torch.stack([z.detach() for z in logits])).sum(0)


def _listed(sizes: tuple[int, ...]) -> str:
    return ", ".join(map(str, sizes))
