"""The slots of a model that is to be grafted, printed: `describe torchvision/resnet18`."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from searchspace.architecture import Architecture
from searchspace.backbones import Graft
from searchspace.backbones.base import refusal
from searchspace.backbones.graft.graft import anatomy
from searchspace.choice import OPERATORS
from searchspace.cost import Form, measure
from searchspace.slot import Slot
from searchspace.space.costs.skeleton import shaped_slots


def describe_model(name: str, console: Console, *, form: Form, input_size: int | None) -> None:
    """Print a model's slots with their shapes, what each can take, and what is no slot."""
    graft = Graft(name)
    parts = anatomy(graft)
    input_size = input_size or parts.size
    cost = measure(Architecture(graft), input_size, form)
    console.print(
        f"{graft.model} ({graft.source}), {input_size} px, {parts.classes} classes: "
        f"{cost.macs:,} MACs, {cost.params:,} parameters"
    )
    shaped = shaped_slots(graft, input_size, 3)
    for kinds, slots in _alike(graft.slots()).items():
        table = Table("slot", "convolution", "channels", "map", title=f"can take {kinds}")
        for slot in slots:
            height, width = shaped[slot.name].inputs[0][2:]
            table.add_row(slot.name, _shape(slot), _channels(slot), f"{height}x{width}")
        console.print(table)
    reasons: dict[str, list[str]] = {}
    for other, reason in parts.not_slots.items():
        reasons.setdefault(reason, []).append(other)
    for reason, names in reasons.items():
        console.print(f"no slot: {', '.join(names)}; {reason}")
    if parts.untraceable:
        console.print(f"no recalibration slot was found; {graft.no_slot('*')}")


def _alike(slots: Iterable[Slot]) -> dict[str, list[Slot]]:
    """The slots by what they can take, operators with default settings by kind."""
    groups: dict[str, list[Slot]] = {}
    for slot in slots:
        kinds = [kind for kind, choice in sorted(OPERATORS.items()) if not refusal(choice(), slot)]
        groups.setdefault(", ".join(kinds), []).append(slot)
    return groups


def _shape(slot: Slot) -> str:
    if slot.role == "recalibration":
        return "-"
    stride = f", stride {slot.stride}" if slot.stride > 1 else ""
    groups = ", depthwise" if slot.depthwise else f", {slot.groups} groups"
    return f"{slot.kernel}x{slot.kernel}{stride}{groups if slot.groups > 1 else ''}"


def _channels(slot: Slot) -> str:
    return f"{slot.in_chs} to {slot.out_chs}" if slot.role == "conv" else str(slot.out_chs)
