"""The stages of a grafted network, cut out of the graph that torch.fx traces.

A stage ends at a map (N, C, H, W) that alone is read by what follows. It is the last map of its
side before the block that makes the next smaller one: the end of a block rather than its middle.
"""

from collections import Counter
from itertools import accumulate, pairwise, takewhile
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from searchspace import Graft, InputError
from searchspace.backbones.graft.graft import anatomy
from searchspace.backbones.graft.places import Tracer
from searchspace.errors import first_line


class Stage(nn.Module):
    """part(copy of x), so that layers in place leave the map of the stage before as it is."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H', W')."""
        y: Tensor = self.part(x.clone())
        return y


class _SlotTracer(Tracer):
    """Leaves what is in the slots whole."""

    def __init__(self, slots: frozenset[str]) -> None:
        super().__init__()
        self.slots = slots

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is a node by itself."""
        return module_qualified_name in self.slots or super().is_leaf_module(
            m, module_qualified_name
        )


def traced_stages(graft: Graft, network: nn.Module, probe: int) -> list[nn.Module]:
    """The stages of a grafted network in order, which share its weights; the head is left out.

    `probe` is the side in pixels of the image that tells the sizes of maps. Dropout that the model
    calls as a function is left out of the stages. An InputError says why a network has no stages.
    """
    label = graft.label()
    slots = frozenset(
        slot.name if slot.role == "conv" else slot.name.rpartition(".")[0]
        for slot in anatomy(graft).slots
    )
    network.eval()
    try:
        module = fx.GraphModule(network, _SlotTracer(slots).trace(network))
    except Exception as error:
        # Whatever the model's code does with a proxy in place of a tensor.
        raise InputError(
            f"{label} has no stages to build on: torch.fx cannot trace it ({first_line(error)})"
        ) from None
    parts = _split(network, module.graph, _ends(module, probe, label))
    network.train()
    return [part.train() for part in parts]


def _ends(module: fx.GraphModule, probe: int, label: str) -> list[fx.Node]:
    """The last node of each stage, from the largest map to the smallest."""
    try:
        with torch.no_grad():
            ShapeProp(module).propagate(torch.zeros(1, 3, probe, probe))
    except RuntimeError as error:
        raise InputError(
            f"{label} has no stages to build on: it takes no image of {probe} px "
            f"({first_line(error)})"
        ) from None
    nodes = [node for node in module.graph.nodes if node.op != "get_attr"]
    sides = _bottlenecks(nodes, probe)
    reductions = [_reduction(nodes, found[-1]) for found in sides.values()]
    within = Counter(prefix for node in reductions for prefix in accumulate(_path(node), _join))
    ends = []
    for found, reduction in zip(sides.values(), reductions, strict=True):
        start = _start(module, nodes, reduction, within)
        before = [node for node in found if nodes.index(node) < start]
        ends.append((before or found)[-1])
    ends = [node for node in ends if node.op != "placeholder"]
    strides = [probe // _side(node) for node in ends]
    if len(ends) < 2 or any(after != 2 * before for before, after in pairwise(strides)):
        listed = ", ".join(map(str, strides)) or "none"
        raise InputError(
            f"{label} has no stages to build on: its maps of (channels, height, width) must be "
            f"halved one after the other, but their strides are {listed}"
        )
    return ends


def _bottlenecks(nodes: list[fx.Node], probe: int) -> dict[int, list[fx.Node]]:
    """By the side of their maps, the nodes that alone are read by what comes after them."""
    order = {node: i for i, node in enumerate(nodes)}
    sides: dict[int, list[fx.Node]] = {}
    reach, smallest = 0, probe
    for i, node in enumerate(nodes):
        side = _side(node)
        if reach <= i:
            if side > smallest:
                break
            if side > 1 and probe % side == 0:
                smallest = side
                sides.setdefault(side, []).append(node)
        reach = max([reach, *(order[user] for user in node.users)])
    return sides


def _reduction(nodes: list[fx.Node], last: fx.Node) -> fx.Node:
    """The first node with a smaller map than this one; that after it if there is none."""
    after = nodes[nodes.index(last) + 1 :]
    return next((node for node in after if 0 < _side(node) < _side(last)), after[0])


def _start(
    module: fx.GraphModule, nodes: list[fx.Node], reduction: fx.Node, within: Counter[str]
) -> int:
    """The number of the first node of the block that a reduction is in.

    The block is the outermost module with no other reduction in it. Of an `nn.Sequential` that has
    convolutions before the reduction, it is the child.
    """
    names = [name for name in accumulate(_path(reduction), _join) if within[name] == 1]
    while len(names) > 1 and _begins_with_convs(module.get_submodule(names[0]), names[1]):
        del names[0]
    if not names:
        return nodes.index(reduction)
    block = names[0].split(".")
    return next(i for i, node in enumerate(nodes) if _path(node)[: len(block)] == block)


def _begins_with_convs(block: nn.Module, child: str) -> bool:
    """Whether a plain sequence has a convolution before the child of this name."""
    if type(block) not in (nn.Sequential, nn.ModuleList):
        return False
    before = takewhile(lambda each: each[0] != child.rpartition(".")[2], block.named_children())
    return any(isinstance(layer, nn.Conv2d) for _, part in before for layer in part.modules())


def _side(node: fx.Node) -> int:
    """The side of a square map (1, C, H, W); 0 of anything else."""
    shape: Any = getattr(node.meta.get("tensor_meta"), "shape", ())
    return int(shape[2]) if len(shape) == 4 and shape[2] == shape[3] else 0


def _path(node: fx.Node) -> list[str]:
    """The names of the modules that a node is in, from the outermost on."""
    if node.op == "call_module":
        return str(node.target).split(".")
    stack = list(node.meta.get("nn_module_stack", {}))
    return stack[-1].split(".") if stack and stack[-1] else []


def _join(outer: str, inner: str) -> str:
    return f"{outer}.{inner}"


def _split(network: nn.Module, graph: fx.Graph, ends: list[fx.Node]) -> list[nn.Module]:
    """The parts of the graph up to each of these nodes, the first from the image on."""
    parts: list[nn.Module] = []
    part = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in graph.nodes:
        copies[node] = part.node_copy(node, copies.__getitem__)
        if node in ends:
            part.output(copies[node])
            module = fx.GraphModule(network, part)
            parts.append(Stage(module) if parts else module)
            part = fx.Graph()
            copies = {node: part.placeholder("x")}
            if len(parts) == len(ends):
                break
    return parts
