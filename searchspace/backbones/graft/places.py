"""The places in a model where its maps can be recalibrated.

They are found in the graph that torch.fx traces. Recalibration rescales what a block has computed
before it joins what bypasses the block (Hu et al., Squeeze-and-Excitation Networks, Figure 3), so a
place is the last convolution, norm or activation of a residual branch. In models without residual
sums it is that of every map that is concatenated, or else that of every convolution.
"""

import operator
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from searchspace.backbones.graft.anatomy import ACTIVATIONS, NORMS, Anatomy
from searchspace.errors import InputError, first_line
from searchspace.slot import Slot

ADDITIONS = operator.add, operator.iadd, torch.add, "add", "add_"
CONCATENATIONS = torch.cat, torch.concat, torch.concatenate
PRODUCTS = operator.mul, operator.imul, torch.mul, "mul", "mul_"
RECTIFIERS = functional.relu, torch.relu, torch.relu_, "relu", "relu_"
"""A positive factor has the same effect before a rectifier as after it."""
PASSING = nn.Identity | nn.Dropout | nn.Dropout2d
PASSING_NAMES = "StochasticDepth", "DropPath", "LayerScale", "LayerScale2d"
"""Modules between the end of a branch and the sum that leave its place before them."""


class Tracer(fx.Tracer):
    """Traces down to single layers, norms with an activation of their own included."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is a node by itself."""
        single = not any(True for _ in m.children())
        return (
            single
            or isinstance(m, nn.Conv2d | NORMS)
            or bool(super().is_leaf_module(m, module_qualified_name))
        )


def recalibration_slots(
    model: str, network: nn.Module, parts: Anatomy, patterns: tuple[str, ...]
) -> Anatomy:
    """The anatomy with its recalibration slots, those after the modules that `patterns` name.

    Without patterns they are found; where the model cannot be traced, there are none.
    """
    if patterns:
        return with_places(parts, _named(model, parts, patterns))
    try:
        graph = Tracer().trace(network)
    except Exception as error:
        # Whatever the model's code does with a proxy in place of a tensor.
        return replace(parts, untraceable=first_line(error))
    return with_places(parts, Places(network, graph).found())


def with_places(parts: Anatomy, names: Iterable[str]) -> Anatomy:
    """The anatomy with a recalibration slot after each of these modules that returns a map."""
    order = {name: i for i, name in enumerate(parts.maps)}
    slots = list(parts.slots)
    for name in sorted(set(names) & set(parts.maps), key=order.__getitem__):
        chs, height, _ = parts.maps[name]
        stage = max((s.stage for s in slots if _size(parts, s) >= height), default=1)
        slots.append(Slot(f"{name}.recalibration", stage, "recalibration", chs, chs))
    slots.sort(key=lambda slot: order.get(_module_name(slot), -1))
    return replace(parts, slots=tuple(slots))


def _module_name(slot: Slot) -> str:
    return slot.name if slot.role == "conv" else slot.name.rpartition(".")[0]


def _size(parts: Anatomy, slot: Slot) -> int:
    return parts.maps[slot.name][1] if slot.name in parts.maps else 0


def _named(model: str, parts: Anatomy, patterns: tuple[str, ...]) -> list[str]:
    names: list[str] = []
    for pattern in patterns:
        found = [name for name in parts.maps if fnmatchcase(name, pattern)]
        if not found:
            raise InputError(
                f"recalibrate: no module of {model} that is called once and returns a map is "
                f"called {pattern!r}; such modules are {', '.join(parts.maps)}"
            )
        names += found
    return names


class Places:
    """Where a traced model's maps can be recalibrated."""

    def __init__(self, network: nn.Module, graph: fx.Graph) -> None:
        self.modules = dict(network.named_modules())
        self.nodes = list(graph.nodes)
        self.convs: dict[fx.Node, int] = {}
        """For each node the convolutions that its value depends on, a bit each."""
        for i, node in enumerate(self.nodes):
            own = 1 << i if isinstance(self._module(node), nn.Conv2d) else 0
            for before in node.all_input_nodes:
                own |= self.convs[before]
            self.convs[node] = own

    def found(self) -> list[str]:
        """The names of the modules after which to recalibrate."""
        sums = [self._end(self._branch(node)) for node in self.nodes if _calls(node, ADDITIONS)]
        branches = [name for name in sums if name]
        if branches:
            return branches + self._alike(branches)
        joined = [
            self._end(each)
            for node in self.nodes
            if _calls(node, CONCATENATIONS)
            for each in node.all_input_nodes
        ]
        if any(joined):
            return [name for name in joined if name]
        return [self._chain_end(node) for node in self.nodes if self._is_conv(node)]

    def _module(self, node: fx.Node) -> nn.Module | None:
        return self.modules.get(str(node.target)) if node.op == "call_module" else None

    def _is_conv(self, node: fx.Node) -> bool:
        return isinstance(self._module(node), nn.Conv2d)

    def _branch(self, node: fx.Node) -> fx.Node | None:
        """The operand of a sum that has more convolutions of its own: the residual branch."""
        operands = [n for n in node.args if isinstance(n, fx.Node)]
        if len(operands) != 2 or any(n.op == "get_attr" for n in operands):
            return None
        first, second = operands
        own = [
            (self.convs[a] & ~self.convs[b]).bit_count()
            for a, b in ((first, second), (second, first))
        ]
        return None if own[0] == own[1] == 0 else first if own[0] >= own[1] else second

    def _end(self, node: fx.Node | None) -> str:
        """The name of the layer that made a map; nothing if it is not a layer's."""
        while node is not None:
            module = self._module(node)
            if module is not None and not _passes(module):
                return str(node.target) if _makes_map(module) else ""
            passes = module is not None or _calls(node, PRODUCTS + RECTIFIERS)
            # Of a product with a gate, the map is what the gate was computed from, and so earlier.
            maps = [n for n in node.all_input_nodes if self.convs[n]]
            node = min(maps) if passes and maps else None
        return ""

    def _alike(self, branches: list[str]) -> list[str]:
        """The ends of blocks of the same classes that nothing bypasses, where the shape changes."""
        blocks = {self._block(name) for name in branches} - {""}
        classes = {type(self.modules[name]) for name in blocks}
        ends = []
        for name, module in self.modules.items():
            if type(module) in classes and name not in blocks:
                inside = [n for n in self.nodes if str(n.target).startswith(f"{name}.")]
                ends.append(self._end(inside[-1]) if inside else "")
        return [name for name in ends if name]

    def _block(self, name: str) -> str:
        """The innermost module of a class of the model's own that holds this one and a sum."""
        while name:
            name = name.rpartition(".")[0]
            module = self.modules[name]
            convs = sum(isinstance(m, nn.Conv2d) for m in module.modules())
            if convs > 1 and not isinstance(module, nn.Sequential | nn.ModuleList):
                return name
        return ""

    def _chain_end(self, node: fx.Node) -> str:
        """The last of a convolution, its norm and its activation."""
        while len(node.users) == 1:
            following = next(iter(node.users))
            module = self._module(following)
            if not isinstance(module, NORMS | ACTIVATIONS) or type(module) is nn.LayerNorm:
                break
            node = following
            if isinstance(module, ACTIVATIONS):
                break
        return str(node.target)


def _makes_map(module: nn.Module) -> bool:
    layer = isinstance(module, nn.Conv2d | NORMS | ACTIVATIONS) and type(module) is not nn.LayerNorm
    return layer or type(module).__name__ == "Permute"


def _passes(module: nn.Module) -> bool:
    return isinstance(module, PASSING) or type(module).__name__ in PASSING_NAMES


def _calls(node: fx.Node, functions: tuple[Any, ...]) -> bool:
    return node.op in ("call_function", "call_method") and node.target in functions
