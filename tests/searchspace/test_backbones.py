import pytest
import torch
import torchvision
from torch import nn

from searchspace import (
    BACKBONES,
    AlexNet,
    Architecture,
    Backbone,
    CoConv,
    DenseNet,
    Graft,
    InputError,
    MobileNetV2,
    ResNet,
    ResNetCifar,
    ShakeShake,
    build,
)
from searchspace.backbones.shake_shake import HalvesShortcut, Shake
from tests.support.tiny_networks import TINY, smallest_size


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def on_meta(backbone: Backbone, num_classes: int | None = None) -> nn.Module:
    with torch.device("meta"):
        return build(Architecture(backbone), num_classes)


def densenet_of_torchvision(layers: int, growth: int) -> nn.Module:
    network = torchvision.models.DenseNet(
        growth, (layers,) * 3, num_init_features=2 * growth, bn_size=4, num_classes=10
    )
    # The CIFAR form: no stride, pool or norm in the stem.
    network.features.conv0 = nn.Conv2d(3, 2 * growth, 3, padding=1, bias=False)
    network.features.norm0 = network.features.relu0 = network.features.pool0 = nn.Identity()
    return network


PEERS = {
    "resnet18": (ResNet(18), torchvision.models.resnet18, 64),
    "resnet34": (ResNet(34), torchvision.models.resnet34, 64),
    "resnet50": (ResNet(50), torchvision.models.resnet50, 64),
    "resnext50_32x4d": (ResNet(50, groups=32, group_width=4),
                        torchvision.models.resnext50_32x4d, 64),
    "mobilenet_v2": (MobileNetV2(), torchvision.models.mobilenet_v2, 64),
    "mobilenet_v2_035": (MobileNetV2(0.35), lambda: torchvision.models.mobilenet_v2(
        width_mult=0.35), 64),
    "mobilenet_v2_14": (MobileNetV2(1.4), lambda: torchvision.models.mobilenet_v2(
        width_mult=1.4), 64),
    "densenet_100": (DenseNet(100), lambda: densenet_of_torchvision(16, 12), 16),
    "densenet_40_24": (DenseNet(40, growth=24), lambda: densenet_of_torchvision(6, 24), 19),
    "alexnet": (AlexNet("imagenet"), lambda: torchvision.models.alexnet(num_classes=10), 64),
}  # fmt: skip


@pytest.mark.parametrize("name", PEERS)
def test_equals_torchvision(name: str) -> None:
    backbone, make, size = PEERS[name]
    theirs = make().eval()
    ours = on_meta(backbone).to_empty(device="cpu").eval()
    assert parameters(ours) == parameters(theirs)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


def test_every_backbone_is_tested_in_a_tiny_setting() -> None:
    assert {type(backbone) for backbone in TINY} == set(BACKBONES.values())


@pytest.mark.parametrize("backbone", TINY, ids=Backbone.label)
def test_slot_names_are_module_paths(backbone: Backbone) -> None:
    network = on_meta(backbone)
    slots = backbone.slots()
    assert len({slot.name for slot in slots}) == len(slots) > 0
    for slot in slots:
        if slot.role == "recalibration" and isinstance(backbone, Graft):
            # It adds no module to the model while nothing is recalibrated.
            assert network.get_submodule(slot.name.removesuffix(".recalibration"))
            continue
        module = network.get_submodule(slot.name)
        if slot.role == "conv":
            assert (module.in_channels, module.out_channels) == (slot.in_chs, slot.out_chs)
            assert module.stride == (slot.stride, slot.stride)


@pytest.mark.parametrize("backbone", TINY, ids=Backbone.label)
def test_every_convolution_but_the_stem_is_a_slot(backbone: Backbone) -> None:
    convs = {n for n, m in on_meta(backbone).named_modules() if isinstance(m, nn.Conv2d)}
    slots = {slot.name for slot in backbone.slots() if slot.role == "conv"}
    if isinstance(backbone, Graft):
        assert slots == convs
        return
    stem = {name for name in convs - slots}
    # With norms, the stem of AlexNet is a slot too, as in its authors' network.
    assert slots < convs or (isinstance(backbone, AlexNet) and backbone.norms and slots == convs)
    assert all(n.split(".")[0] == "conv1" or n.startswith("features.0") or
               n == "features.conv0" or (".shortcut." in n and isinstance(backbone, MobileNetV2))
               for n in stem)  # fmt: skip


@pytest.mark.parametrize("backbone", TINY, ids=Backbone.label)
def test_forward_and_backward_reach_every_parameter(backbone: Backbone) -> None:
    network = build(Architecture(backbone), num_classes=5, in_chs=2)
    size = smallest_size(backbone)
    logits = network(torch.randn(4, 2, size, size))
    assert logits.shape == (4, 5)
    logits.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("backbone", TINY, ids=Backbone.label)
def test_images_are_independent_in_evaluation(backbone: Backbone) -> None:
    network = build(Architecture(backbone)).double().eval()
    size = smallest_size(backbone)
    x = torch.randn(3, 3, size, size + 2, dtype=torch.double)
    with torch.no_grad():
        one_by_one = torch.cat([network(image[None]) for image in x])
        torch.testing.assert_close(network(x), one_by_one)


@pytest.mark.parametrize("backbone", TINY, ids=Backbone.label)
def test_json_round_trip(backbone: Backbone) -> None:
    architecture = Architecture(backbone)
    again = Architecture.from_json(architecture.to_json())
    assert again == architecture and again.key == architecture.key


# Closed counts: convolutions k*k*in*out, norms 2*chs, linear in*out + out.
COUNTS = {
    ResNetCifar(20): 269_722,
    ResNetCifar(56): 853_018,
    ResNetCifar(20, shortcut="B"): 269_722 + 16 * 32 + 64 + 32 * 64 + 128,
    # Deep stem: 3*32*9 + 2*32 + 32*32*9 + 2*32 + 32*64*9 instead of 3*64*49.
    ResNet(50, stem="deep", shortcut="D"): 25_557_032 - 9_408 + 864 + 9_216 + 18_432 + 128,
    ResNet(18, stem="small"): 11_689_512 - 9_408 + 1_728,
    # The published 769,162 of DenseNet-BC (k=12, L=100).
    DenseNet(100, 12): 769_162,
    MobileNetV2(stem="small"): 3_504_872,
    # Per branch 13,036,032 in convolutions and 10,752 in norms, shortcuts 93,696 + 1,344.
    ShakeShake(26, 96): 448 + 2 * (13_036_032 + 10_752) + 93_696 + 1_344 + 3_850,
    AlexNet("cifar"): sum((
        (27 + 1) * 64, (64 * 9 + 1) * 192, (192 * 9 + 1) * 384, (384 * 9 + 1) * 256,
        (256 * 9 + 1) * 256, (1024 + 1) * 4096, (4096 + 1) * 4096, (4096 + 1) * 10,
    )),
}  # fmt: skip


@pytest.mark.parametrize("backbone", COUNTS, ids=Backbone.label)
def test_parameters_of_networks_without_a_torchvision_peer(backbone: Backbone) -> None:
    assert parameters(on_meta(backbone)) == COUNTS[backbone]


def test_average_pooled_shortcut_keeps_the_size_of_a_strided_one() -> None:
    backbone = ResNet(50, width=4, stem="small", shortcut="D")
    network = build(Architecture(backbone)).eval()
    x = torch.randn(1, 16, 7, 9)
    assert network.layer2[0].downsample(x).shape == (1, 32, 4, 5)
    pooled = network.layer2[0].downsample[0](x)
    torch.testing.assert_close(pooled[0, 0, 0, 0], x[0, 0, :2, :2].mean())
    # The last row has one pixel to average.
    torch.testing.assert_close(pooled[0, 0, 3, 4], x[0, 0, 6, 8])


def test_shake_mixes_each_image_and_halves_in_evaluation() -> None:
    first = torch.zeros(200, 1, 2, 2, dtype=torch.double, requires_grad=True)
    second = torch.ones(200, 1, 2, 2, dtype=torch.double, requires_grad=True)
    mixed = Shake.apply(first, second)
    weights = mixed[:, 0, 0, 0].detach()
    torch.testing.assert_close(mixed, weights[:, None, None, None].expand_as(mixed))
    assert 0.4 < weights.mean() < 0.6 and 0 <= weights.min() < weights.max() <= 1
    mixed.sum().backward()
    torch.testing.assert_close(first.grad + second.grad, torch.ones_like(first))
    backward = 1 - first.grad[:, 0, 0, 0]
    assert abs(torch.corrcoef(torch.stack([weights, backward]))[0, 1]) < 0.3
    assert 0.06 < first.grad[:, 0, 0, 0].var() < 0.11


def test_shake_shake_evaluates_the_mean_of_its_branches_and_repeats_a_seed() -> None:
    network = build(Architecture(ShakeShake(8, 4)))
    block, x = network.layer1[0], torch.randn(2, 16, 5, 5)
    block.eval()
    expected = block.downsample(x) + (block.branch1(x) + block.branch2(x)) / 2
    torch.testing.assert_close(block(x), expected)
    block.train()
    torch.manual_seed(3)
    once = block(x)
    torch.manual_seed(3)
    assert torch.equal(once, block(x))
    assert not torch.equal(once, block(x))


def test_halves_shortcut_reads_diagonal_neighbours() -> None:
    network = build(Architecture(ShakeShake(8, 4)))
    shortcut = network.layer2[0].downsample
    assert isinstance(shortcut, HalvesShortcut)
    shortcut.bn = nn.Identity()
    nn.init.ones_(shortcut.conv1.weight)
    nn.init.ones_(shortcut.conv2.weight)
    x = torch.rand(1, 4, 5, 5)
    sums = x.sum(1)[0]
    y = shortcut(x)
    torch.testing.assert_close(y[0, 0], sums[::2, ::2])
    torch.testing.assert_close(y[0, 4], nn.functional.pad(sums[1::2, 1::2], (0, 1, 0, 1)))


def test_patterns_fill_shortcuts_and_all_convolutions_of_resnet18() -> None:
    architecture = Architecture(ResNet(18), {"*": CoConv(3, norms=False)})
    # The 19 convolutions of CoConv's ResNet-18: all but the 7x7 stem.
    assert len(architecture.choices) == 19
    assert sum("downsample" in name for name in architecture.choices) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ResNet(19), "depth must be one of 18, 26, 34, 50, got 19"),
        (lambda: ResNet(18, groups=2), "groups and group_width are for depths 26 and 50"),
        (lambda: ResNet(50, width=8, group_width=4), "leave no channel for each of 1 groups"),
        (lambda: ResNet(18, width=5, stem="deep"), "width must be even with the deep stem, got 5"),
        (lambda: DenseNet(101), "depth must be 6n\\+4, for example 40, 100 or 190, got 101"),
        (lambda: DenseNet(growth=0), "growth must be a whole number of at least 1, got 0"),
        (lambda: ShakeShake(25), "depth must be 6n\\+2"),
        (lambda: ShakeShake(26, 7), "width must be even"),
        (lambda: AlexNet("large"), "form must be one of imagenet, tiny, cifar, got 'large'"),
        (lambda: MobileNetV2(0), "multiplier must be above 0"),
        (lambda: MobileNetV2(joined=8), "joined must be at most 7, got 8"),
        (lambda: MobileNetV2(float("nan")), "multiplier must be a number"),
        (lambda: ResNetCifar(21), "depth must be 6n\\+2"),
    ],
)
def test_bad_settings_are_refused(make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
