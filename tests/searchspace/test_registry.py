"""Every operator in every backbone, with what must hold for all of them."""

import copy
import re
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from analysis.audit.conventions import tally
from searchspace import (
    BACKBONES,
    OPERATORS,
    Architecture,
    Backbone,
    Choice,
    CoConv,
    CondConv,
    DyConv,
    Graft,
    InputError,
    Resolutions,
    Slot,
    Static,
    build,
    deploy,
    measure,
)
from searchspace.backbones.base import refusal
from searchspace.layers.dynamic import DeployedDynamicConv2d
from tests.support.registry import (
    CHOICES,
    LEGAL,
    NETWORKS,
    PAIRS,
    SHALLOW,
    pair_id,
    trained_a_little,
)
from tests.support.tiny_networks import smallest_size


def test_every_operator_and_backbone_takes_part() -> None:
    assert {type(backbone) for backbone in NETWORKS} == set(BACKBONES.values())
    assert {type(choice) for choice in CHOICES} == set(OPERATORS.values())
    # Every choice has a backbone, and every backbone several choices.
    assert {choice for _, choice in LEGAL} == set(CHOICES)
    assert min(sum(b == backbone for b, _ in LEGAL) for backbone in NETWORKS) >= 8


@pytest.mark.parametrize(("backbone", "choice"), LEGAL, ids=pair_id)
def test_trains_and_deploys(backbone: Backbone, choice: Choice) -> None:
    architecture = Architecture(backbone, {"*": choice})
    size = smallest_size(backbone)
    network = trained_a_little(build(architecture, num_classes=3), size)
    for slot in architecture.slots():
        # Where a graft recalibrates nothing, it adds no module to the model.
        if slot.name in architecture.choices or not isinstance(backbone, Graft):
            network.get_submodule(slot.name)
        elif slot.role == "conv":
            network.get_submodule(slot.name)
    network(torch.randn(4, 3, size, size + 2, dtype=torch.double)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    image = torch.randn(1, 3, size + 2, size, dtype=torch.double)
    with torch.no_grad():
        expected = network.eval()(image)
        assert expected.isfinite().all()
        small = deploy(network)
        torch.testing.assert_close(small(image), expected)
    # Files of weights hold no other tensors.
    assert all(value.is_contiguous() for value in small.state_dict().values())


class LayoutsMet(TorchDispatchMode):
    """The arithmetic that met maps with channels innermost together with maps without."""

    def __init__(self) -> None:
        super().__init__()
        self.mixed: list[str] = []
        self.seen = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        # Maps of one pixel or one channel lie both ways.
        maps = [x for x in args if isinstance(x, torch.Tensor) and x.dim() == 4]
        layouts = {x.stride(1) == 1 for x in maps if min(x.shape) > 1 and x.shape[0] == 4}
        self.seen += layouts == {True}
        if len(layouts) > 1 and "pool" not in str(operation):
            self.mixed.append(f"{operation} {[tuple(x.shape) for x in maps]}")
        return operation(*args, **(kwargs or {}))


# Experts of a grouped convolution are interleaved, so their maps are views with five dimensions.
EXEMPT = tuple(
    (backbone, choice)
    for backbone, choice in LEGAL
    if isinstance(choice, CoConv | CondConv | DyConv)
    and any(1 < slot.groups and refusal(choice, slot) is None for slot in backbone.slots())
)


@pytest.mark.parametrize(
    ("backbone", "choice"), [pair for pair in LEGAL if pair not in EXEMPT], ids=pair_id
)
def test_channels_that_are_innermost_stay_so(backbone: Backbone, choice: Choice) -> None:
    """In both directions: arithmetic across layouts takes several times as long."""
    network = build(Architecture(backbone, {"*": choice}), num_classes=3)
    network.to(memory_format=torch.channels_last)
    x = torch.randn(4, 3, *[smallest_size(backbone)] * 2)
    with LayoutsMet() as met:
        network(x.contiguous(memory_format=torch.channels_last)).sum().backward()
    assert met.mixed == []
    assert met.seen > 10


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize(
    "choice", [choice for backbone, choice in LEGAL if backbone == SHALLOW], ids=pair_id
)
def test_lower_precision_stays_near(choice: Choice, dtype: torch.dtype) -> None:
    """Loss, direction of the whole gradient, and outputs of both forms for inference."""
    torch.manual_seed(0)
    network = build(Architecture(SHALLOW, {"*": choice}), num_classes=3)
    x, labels = torch.randn(8, 3, 17, 17), torch.randint(3, (8,))
    results = []
    for precision in (torch.float32, dtype):
        one = copy.deepcopy(network)
        with torch.autocast("cpu", dtype, enabled=precision is dtype):
            loss = F.cross_entropy(one(x).float(), labels)
        loss.backward()
        gradient = torch.cat([parameter.grad.flatten() for parameter in one.parameters()])
        with torch.no_grad(), torch.autocast("cpu", dtype, enabled=precision is dtype):
            outputs = [form(x).float() for form in (one.eval(), deploy(one))]
        results.append((loss, gradient, *outputs))
    (loss, gradient, *outputs), (near, found, *others) = results
    torch.testing.assert_close(near, loss, rtol=0.05, atol=0)
    assert F.cosine_similarity(found, gradient, dim=0) > (0.9 if dtype == torch.bfloat16 else 0.98)
    for one, other in zip(outputs, others, strict=True):
        assert not torch.equal(one, other)
        assert (one - other).norm() < 0.1 * one.norm()


@pytest.mark.parametrize(("backbone", "choice"), LEGAL, ids=pair_id)
def test_json_round_trip_keeps_the_key(backbone: Backbone, choice: Choice) -> None:
    architecture = Architecture(backbone, {"*": choice})
    again = Architecture.from_json(architecture.to_json())
    assert again == architecture
    assert again.key == architecture.key
    assert again.to_json() == architecture.to_json()


@pytest.mark.parametrize("backbone", NETWORKS, ids=pair_id)
def test_illegal_choices_are_refused_with_a_reason(backbone: Backbone) -> None:
    kinds: dict[tuple[object, ...], Slot] = {}
    for slot in backbone.slots():
        shape = (slot.kernel, slot.groups == 1, slot.stride, slot.in_chs == slot.out_chs)
        kinds.setdefault((slot.role, slot.position, *shape), slot)
    refused = 0
    for slot, choice in product(kinds.values(), CHOICES):
        reason = refusal(choice, slot)
        if reason is not None:
            refused += 1
            assert len(reason.split()) >= 5 and reason[0].islower() or reason[0].isdigit()
            with pytest.raises(InputError, match=re.escape(reason)):
                Architecture(backbone, {slot.name: choice})
    # At least the choices of the other role.
    assert refused >= len(kinds)


@pytest.mark.parametrize(
    ("backbone", "choice"), [pair for pair in PAIRS if pair not in LEGAL], ids=pair_id
)
def test_a_pattern_that_no_slot_can_take_is_refused(backbone: Backbone, choice: Choice) -> None:
    with pytest.raises(InputError, match="no slot of .* can take"):
        Architecture(backbone, {"*": choice})


# Each operator in the first backbone that takes it, and each backbone as it is.
COUNTED = tuple(
    pair
    for i, pair in enumerate(LEGAL)
    if pair[1] == Static() or pair[1] not in [choice for _, choice in LEGAL[:i]]
)


@pytest.mark.parametrize(("backbone", "choice"), COUNTED, ids=pair_id)
def test_cost_is_that_of_the_layers_and_of_mixing_kernels(
    backbone: Backbone, choice: Choice
) -> None:
    architecture = Architecture(backbone, {"*": choice})
    size = smallest_size(backbone)
    with torch.device("meta"):
        network = deploy(build(architecture))
    mixing = 0
    for module in network.modules():
        if isinstance(module, DeployedDynamicConv2d):
            mixing += module.kernels.numel()
            # Where inputs are weighted, the biases are the same for all images.
            if module.biases is not None and module.conv.mix.side == "out":
                mixing += module.biases.numel()
    cost = measure(architecture, size)
    assert cost.macs == tally(network, (1, 3, size, size)).macs + mixing
    assert cost.params == sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("backbone", NETWORKS, ids=pair_id)
def test_every_backbone_switches_resolutions(backbone: Backbone) -> None:
    size = smallest_size(backbone)
    sizes = Resolutions((size + 4, size))
    architecture = Architecture(backbone, resolutions=sizes)
    assert Architecture.from_json(architecture.to_json()) == architecture
    network = build(architecture, num_classes=3)
    for side in sizes.sizes:
        assert network(torch.randn(3, 3, side, side)).shape == (3, 3)
    deployed = deploy(network)
    with torch.no_grad():
        for side in (size, size + 2, size + 4):
            image = torch.randn(1, 3, side, side)
            torch.testing.assert_close(deployed(image), network.eval()(image))
