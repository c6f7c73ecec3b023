import re
from collections.abc import Callable

import pytest
import torch
import torchvision

import searchspace
from searchspace import (
    ACNet,
    AlexNet,
    Architecture,
    Backbone,
    Choice,
    CoConv,
    CondConv,
    DenseMixConv,
    DenseNet,
    DepthwiseSeparable,
    DyConv,
    GatherExcite,
    HierarchicalSplit,
    InputError,
    MobileNetV2,
    Multiception,
    MultiScaleRecalibration,
    NamedNetwork,
    Res2Net,
    ResNet,
    ResNetCifar,
    ShakeShake,
    Slot,
    SqueezeExcite,
    Static,
    Unchanged,
    build,
    catalogue_entry,
    named,
    names,
)


def resnet_cifar(backbone: ResNetCifar, classes: int) -> int:
    """Stem, three stages of n blocks, two shortcuts, classifier."""
    n, total = (backbone.depth - 2) // 6, 3 * 16 * 9 + 2 * 16
    for inner, outer in ((16, 16), (16, 32), (32, 64)):
        total += 9 * outer * (inner + (2 * n - 1) * outer) + 2 * n * 2 * outer
        total += inner * outer + 2 * outer if inner != outer else 0
    return total + 65 * classes


def densenet(backbone: DenseNet, classes: int) -> int:
    """Stem, layers of norm, 1x1 to 4k, norm, 3x3 to k, two transitions, norm, classifier."""
    k = backbone.growth
    chs, total = 2 * k, 3 * 2 * k * 9
    for stage in range(3):
        for _ in range((backbone.depth - 4) // 6):
            total += 2 * chs + chs * 4 * k + 2 * 4 * k + 4 * k * k * 9
            chs += k
        if stage < 2:
            total += 2 * chs + chs * (chs // 2)
            chs //= 2
    return total + 2 * chs + (chs + 1) * classes


def alexnet(backbone: AlexNet, classes: int) -> int:
    grid = {"tiny": 4, "cifar": 2}[backbone.form]
    convolutions = 27 * 64 + 576 * 192 + 1728 * 384 + 3456 * 256 + 2304 * 256
    if backbone.norms:
        linear = (256 * grid**2 + 1) * 4096 + 4097 * 4096 + 4097 * classes
        return convolutions + 2 * (64 + 192 + 384 + 256 + 256) + linear
    layers = ((27, 64), (576, 192), (1728, 384), (3456, 256), (2304, 256),
              (256 * grid**2, 4096), (4096, 4096), (4096, classes))  # fmt: skip
    return sum((inner + 1) * outer for inner, outer in layers)


def torchvision_count(make: Callable[[], torch.nn.Module]) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in make().parameters())


def resnet(backbone: ResNet, classes: int) -> int:
    models = torchvision.models
    peer = {
        (18, 1): models.resnet18,
        (34, 1): models.resnet34,
        (50, 1): models.resnet50,
        (50, 32): models.resnext50_32x4d,
    }[backbone.depth, backbone.groups]
    stem = {"imagenet": 0, "small": 27 * 64 - 147 * 64,
            "deep": 27 * 32 + 288 * 32 + 288 * 64 + 128 - 147 * 64,
            # Of the last three, a norm and two 1x1 of the first block.
            "wide": 27 * 64 + 576 * 64 + 576 * 128 + 256 - 147 * 64
            + 128 + 64 * (backbone.inner_width(1) + 256)}[backbone.stem]  # fmt: skip
    return torchvision_count(lambda: peer(num_classes=classes)) + stem


def mobilenet(backbone: MobileNetV2, classes: int) -> int:
    model, width = torchvision.models.mobilenet_v2, backbone.multiplier
    plain = torchvision_count(lambda: model(num_classes=classes, width_mult=width))
    for hidden, out in ((32, 16), (96, 24), (144, 24)) if backbone.joined else ():
        # A 3x3 and a norm more, a depthwise 3x3, its norm and a 1x1 less.
        plain += 9 * hidden * out + 2 * out - hidden * (9 + 2 + out)
    if not backbone.shortcuts:
        return plain
    # The first block's 1x1, and shortcuts where a block of stride 1 changes channels.
    changes = ((32, 16), (16, 24), (64, 96), (160, 320))
    return plain + 32 * 32 + 2 * 32 + sum(i * o + 2 * o for i, o in changes)


def shake_shake(_: ShakeShake, classes: int) -> int:
    return 448 + 2 * (13_036_032 + 10_752) + 93_696 + 1_344 + 385 * classes


PLAIN = {
    AlexNet: alexnet,
    DenseNet: densenet,
    MobileNetV2: mobilenet,
    ResNet: resnet,
    ResNetCifar: resnet_cifar,
    ShakeShake: shake_shake,
}


def operator(choice: Choice, slot: Slot) -> int:
    """Parameters of one operator, from its definition."""
    i, o, area = slot.in_chs, slot.out_chs, slot.kernel**2
    plain = i // slot.groups * o * area + slot.bias * o
    match choice:
        case Static():
            return plain
        case Unchanged():
            return 0
        case CoConv(experts=n, norms=norms):
            q = max(i // 16, 16)
            bias = 2 * o if norms else slot.bias * o
            kernels = n * (i // slot.groups * o * area + bias)
            return kernels + 2 * i * q + 9 * q + q * n * o
        case CondConv(experts=n):
            return n * plain + (i + 1) * n
        case DyConv(experts=n, hidden="imagenet"):
            return n * plain + i * (i // 4 + 1) + (i // 4 + 2) * n
        case DyConv(experts=n):
            q = max(i // 16, 16)
            return n * plain + (i + 1) * q + (q + 1) * n
        case ACNet(norms=norms):
            return i * o * (9 + 3 + 3) + norms * 3 * 2 * o
        case DepthwiseSeparable(kernel=k, form="plain"):
            return i * k * k + i * o + o
        case DenseMixConv(kernels=kernels):
            first = (i - i // 3 * 2) * (o - o // 3 * 2) * kernels[0] ** 2
            return first + (i // 3) * (o // 3) * sum(k * k for k in kernels[1:])
        case Multiception(kernels=kernels):
            return i * sum(k * k for k in kernels) + len(kernels) * (2 * i + i * o) + o
        case SqueezeExcite(reduction=r, bias=bias):
            return (i // r) * (i + o) + bias * (i // r + o)
        case GatherExcite():
            return 3 * (9 * o + 2 * o)
        case MultiScaleRecalibration(scales=scales, reduction=r):
            q = -(-o // (r * len(scales)))
            return len(scales) * q * (i + 2 + o)
        case HierarchicalSplit(width=w, splits=s) if slot.stride == 1:
            widths = [w]
            while len(widths) < s - 1:
                widths.append(w + widths[-1] // 2)
            return sum(9 * c * c + 2 * c for c in widths)
        case HierarchicalSplit(width=w, splits=s) | Res2Net(width=w, splits=s):
            return (s - 1) * (9 * w * w + 2 * w)
    raise AssertionError(choice)


def closed_count(entry: NamedNetwork) -> int:
    """The plain network, its slots' convolutions replaced, and norms that change with them."""
    backbone, architecture = entry.backbone, entry.architecture
    total = PLAIN[type(backbone)](backbone, entry.num_classes)
    for before, after in zip(backbone.slots(), architecture.slots(), strict=True):
        choice = architecture.choice(after)
        total += operator(choice, after)
        total -= operator(Static(), before) if before.role == "conv" else 0
        if choice.normalised:
            # The norm before has the new width, that after gives way to the operator's own, if any.
            total += 2 * (after.in_chs - before.in_chs) - 2 * before.out_chs
    if entry.resolutions:
        sizes = len(entry.resolutions.sizes)
        total += (sizes - 1) * norm_params(backbone) + sizes
    return total


def norm_params(backbone: Backbone) -> int:
    with torch.device("meta"):
        network = build(Architecture(backbone))
    norms = (m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))
    return sum(2 * norm.num_features for norm in norms)


@pytest.mark.parametrize("name", names())
def test_builds_with_the_parameters_of_its_definition(name: str) -> None:
    entry = catalogue_entry(name)
    with torch.device("meta"):
        network = build(entry.architecture, entry.num_classes)
    assert sum(parameter.numel() for parameter in network.parameters()) == closed_count(entry)


@pytest.mark.parametrize(
    "name",
    [
        "resnet20-mssar124-cifar10",
        "resnet50-multiception-stl10",
        "mobilenetv2-coconv4-tiny",
        "resnet18-rsnet-imagenet96",
    ],
)
def test_runs_at_its_input_size(name: str) -> None:
    entry = catalogue_entry(name)
    with torch.device("meta"):
        network = build(entry.architecture, entry.num_classes).eval()
        image = torch.empty(2, 3, entry.input_size, entry.input_size)
        assert network(image).shape == (2, entry.num_classes)


def test_names_are_unique_lowercase_and_end_in_their_images() -> None:
    assert len(set(names())) == len(names()) > 100
    sizes = {"cifar10": 32, "cifar100": 32, "tiny": 64, "stl10": 96, "imagenet32": 32}
    for name in names():
        assert re.fullmatch(r"[a-z0-9-]+", name)
        images = name.rsplit("-", 1)[1]
        if images in sizes:
            assert catalogue_entry(name).input_size == sizes[images]
        else:
            assert catalogue_entry(name).input_size == int(images.removeprefix("imagenet") or 224)


def test_different_names_are_different_networks_or_images() -> None:
    seen: dict[tuple[object, ...], str] = {}
    for name in names():
        entry = catalogue_entry(name)
        what = (entry.architecture.key, entry.input_size, entry.num_classes)
        assert seen.setdefault(what, name) == name


def test_coconv_of_the_issue() -> None:
    architecture = searchspace.named("resnet18-coconv3-imagenet")
    entry = searchspace.catalogue_entry("resnet18-coconv3-imagenet")
    assert architecture == entry.architecture
    assert (entry.input_size, entry.num_classes) == (224, 1000)
    assert set(entry.architecture.choices.values()) == {CoConv(3, norms=False)}
    assert len(entry.architecture.choices) == 19


@pytest.mark.parametrize(("operator", "params"), [("dsconv", 443_498), ("mixconv", 752_188)])
def test_rivals_of_multiception_have_the_parameters_of_its_authors(
    operator: str, params: int
) -> None:
    entry = catalogue_entry(f"resnet50-{operator}-cifar10")
    assert closed_count(entry) == params


def test_hs_stands_in_the_blocks_of_two_stages_that_keep_the_shape() -> None:
    entry = catalogue_entry("resnet50d-hs-28w6s-imagenet")
    first, second = HierarchicalSplit(28, 6), HierarchicalSplit(56, 6)
    assert entry.architecture.choices == {
        **{f"layer1.{block}.conv2": first for block in (1, 2)},
        **{f"layer2.{block}.conv2": second for block in (1, 2, 3)},
    }
    assert closed_count(entry) == 27_147_223


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("resnet18-coconv-imagenet", "resnet18-coconv3-imagenet"),
        ("resnet20-cifar", "resnet20-cifar10"),
    ],
)
def test_an_unknown_name_suggests_close_ones(name: str, close: str) -> None:
    with pytest.raises(InputError, match=f"unknown network '{name}'; close names are .*{close}"):
        named(name)


def test_multiceptions_mobilenet_has_two_joined_stages() -> None:
    plain = torchvision_count(lambda: torchvision.models.mobilenet_v2(num_classes=10))
    joined = {
        # Block by block, the first stage has three kernels.
        "multiception": 3_568 + 4_968 + 7_416,
        "dsconv": -(16 + 120 + 216),
    }
    for operator, more in joined.items():
        entry = catalogue_entry(f"mobilenetv2-{operator}-stl10")
        assert closed_count(entry) == plain + more
        assert len(entry.choices) == 3
    with torch.device("meta"):
        network = build(entry.architecture, 10).eval()
        image = torch.empty(2, 3, 96, 96)
        # Only the stem keeps the resolution: four halvings.
        assert network.get_submodule("features")(image).shape == (2, 1280, 6, 6)
        block = network.get_submodule("features.2.conv")
    assert isinstance(block, torch.nn.Sequential)
    kinds = [type(m).__name__ for part in block[1:] for m in (part if part is block[1] else [part])]
    assert kinds == ["Sequential", "BatchNorm2d", "ReLU", "BatchNorm2d"]


def test_a_name_like_no_other_says_so() -> None:
    with pytest.raises(InputError, match="no name is close"):
        named("!")


def test_coconvs_mobilenet_has_its_authors_counts() -> None:
    """4.39, 2.63 and 2.90 million in training, four experts, 100 classes (Nyquixt/CoConv)."""
    counts = {
        "coconv4-": 4_392_900,
        "condconv4-": 2_633_496,
        "dycnn4-": 2_895_176,
    }
    for operator, params in counts.items():
        assert closed_count(catalogue_entry(f"mobilenetv2-{operator}cifar100")) == params
