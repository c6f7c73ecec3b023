"""Grafts: models of others as backbones, with slots found in them."""

import copy
import pickle
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
import timm
import torch
import torchvision
from torch import nn

from searchspace import (
    OPERATORS,
    ACNet,
    Architecture,
    Choice,
    CoConv,
    CondConv,
    GatherExcite,
    Graft,
    InputError,
    Multiception,
    MultiScaleRecalibration,
    Rule,
    Space,
    SqueezeExcite,
    Static,
    Unchanged,
    build,
    deploy,
    measure,
    parse_space,
    read_space,
)
from searchspace.backbones.base import refusal
from searchspace.backbones.graft.anatomy import ACTIVATIONS
from searchspace.backbones.graft.graft import anatomy
from searchspace.serialization import user_code
from searchspace.serialization.files import read_text
from tests.support.paths import ROOT

FILE = ROOT / "tests/support/user_models.py"
slow = pytest.mark.slow
MODELS = (
    "resnet18",
    "mobilenet_v3_small",
    *(
        pytest.param(name, marks=slow)
        for name in (
            "resnet50", "regnet_y_400mf", "mobilenet_v3_large", "convnext_tiny", "efficientnet_b0",
            "densenet121", "vgg16_bn", "squeezenet1_1", "shufflenet_v2_x0_5", "swin_t",
        )
    ),
)  # fmt: skip
OPTIONS = (
    Static(),
    CoConv(2),
    CondConv(2),
    ACNet(),
    Multiception((3, 3)),
    Unchanged(),
    SqueezeExcite(),
    GatherExcite(4),
    MultiScaleRecalibration((1, 2)),
)
SIZE = 64


def user(function: str, **settings: Any) -> Graft:
    return Graft(f"{FILE}:{function}", **settings)


def test_costs_of_a_users_model_by_table_are_those_of_direct_counting() -> None:
    space = Space.of(user("residual"), Rule.of("*", *OPTIONS), input_size=16, num_classes=7)
    for form in ("deployed", "training"):
        for network in (space.sample(Random(seed)) for seed in range(3)):
            assert space.cost(network, form) == measure(network, 16, form, num_classes=7)


def names(graft: Graft, role: str) -> list[str]:
    return [slot.name for slot in graft.slots() if slot.role == role]


def original(name: str, seed: int = 0, **settings: Any) -> nn.Module:
    torch.manual_seed(seed)
    network: nn.Module = torchvision.models.get_model(name, weights=None, **settings)
    return network


@pytest.mark.parametrize("name", MODELS)
def test_with_static_slots_it_is_the_original_bit_for_bit(name: str) -> None:
    theirs = original(name, 3)
    torch.manual_seed(3)
    ours = build(Architecture(Graft(f"torchvision/{name}")))
    state, own_state = theirs.state_dict(), ours.state_dict()
    assert list(state) == list(own_state)
    assert all(torch.equal(state[key], own_state[key]) for key in state)
    assert [n for n, _ in theirs.named_parameters()] == [n for n, _ in ours.named_parameters()]
    images = torch.randn(2, 3, SIZE, SIZE)
    with torch.no_grad():
        assert torch.equal(theirs.eval()(images), ours.eval()(images))
        assert torch.equal(theirs(images), deploy(ours)(images))


@pytest.mark.parametrize("name", MODELS)
def test_every_convolution_is_a_slot_or_has_a_reason(name: str) -> None:
    graft = Graft(f"torchvision/{name}")
    with torch.device("cpu"):
        network = original(name)
    found = {n: m for n, m in network.named_modules() if isinstance(m, nn.Conv2d)}
    slots = {slot.name: slot for slot in graft.slots() if slot.role == "conv"}
    assert set(slots) | set(anatomy(graft).not_slots) == set(found)
    assert not set(slots) & set(anatomy(graft).not_slots)
    for path, slot in slots.items():
        conv = found[path]
        assert (slot.in_chs, slot.out_chs) == (conv.in_channels, conv.out_channels)
        assert ((slot.kernel,) * 2, (slot.stride,) * 2) == (conv.kernel_size, conv.stride)
        assert (slot.padding,) * 2 == conv.padding
        assert (slot.groups, slot.bias) == (conv.groups, conv.bias is not None)


@slow
@pytest.mark.parametrize("name", MODELS)
def test_costs_by_table_are_those_of_direct_counting(name: str) -> None:
    graft = Graft(f"torchvision/{name}")
    legal = [c for c in OPTIONS if any(refusal(c, slot) is None for slot in graft.slots())]
    space = Space.of(graft, Rule.of("*", *legal), input_size=SIZE, num_classes=7)
    rows = space.sample_rows(2, Random(0))
    for form in ("deployed", "training"):
        macs, params = space.price(rows, form)
        for row, *priced in zip(rows, macs, params, strict=True):
            cost = measure(space.architecture(row), SIZE, form, num_classes=7)
            assert [cost.macs, cost.params] == priced


@pytest.mark.parametrize("name", MODELS)
def test_fvcore_counts_the_untouched_model_as_the_counter_does(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(original(name).eval(), torch.zeros(1, 3, SIZE, SIZE))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        counted = analysis.by_operator()
    # The convention leaves norms and pooling out.
    products = sum(counted[kind] for kind in ("conv", "linear", "matmul", "addmm", "bmm"))
    cost = measure(Architecture(Graft(f"torchvision/{name}")), SIZE)
    assert cost.macs == products
    assert cost.params == sum(p.numel() for p in original(name).parameters())


def test_choices_leave_all_other_weights_as_they_are() -> None:
    theirs = original("resnet18", 1).state_dict()
    torch.manual_seed(1)
    choices = {"layer[34].*.conv2": CoConv(2), "*": SqueezeExcite()}
    ours = build(Architecture(Graft("torchvision/resnet18"), choices)).state_dict()
    kept = {key.replace(".inner.", "."): value for key, value in ours.items()}
    changed = {key for key in theirs if key.startswith(("layer3", "layer4")) and "conv2" in key}
    assert changed and len(changed) == 4
    assert all(torch.equal(kept[key], theirs[key]) for key in set(theirs) - changed)


PLACES = {
    "resnet18": [f"layer{i}.{k}.bn2" for i in (1, 2, 3, 4) for k in (0, 1)],
    "vgg11_bn": [f"features.{i}" for i in (2, 6, 10, 13, 17, 20, 24, 27)],
    "mobilenet_v3_small": [
        f"features.{i}.block.{2 if i in (1, 2, 3) else 3}.1" for i in range(1, 12)
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_recalibration_stands_at_the_end_of_each_block(name: str) -> None:
    found = names(Graft(f"torchvision/{name}"), "recalibration")
    assert found == [f"{place}.recalibration" for place in PLACES[name]]


@slow
@pytest.mark.parametrize(
    ("name", "number", "first"),
    [
        ("resnet50", 16, "layer1.0.bn3"),
        ("regnet_y_400mf", 16, "trunk_output.block1.block1-0.f.c.1"),
        ("convnext_tiny", 18, "features.1.0.block.6"),
        ("efficientnet_b0", 16, "features.1.0.block.2.1"),
        ("densenet121", 58, "features.denseblock1.denselayer1.conv2"),
        ("googlenet", 36, "inception3a.branch1.bn"),
    ],
)
def test_recalibration_in_other_families(name: str, number: int, first: str) -> None:
    found = names(Graft(f"torchvision/{name}"), "recalibration")
    assert (len(found), found[0]) == (number, f"{first}.recalibration")


def test_recalibration_where_the_user_says() -> None:
    graft = user("residual", recalibrate=("blocks.*.act2", "norm"))
    assert names(graft, "recalibration") == [
        "norm.recalibration", "blocks.0.act2.recalibration", "blocks.1.act2.recalibration",
    ]  # fmt: skip
    network = build(Architecture(graft, {"*.act2.recalibration": SqueezeExcite()}))
    block = network.blocks[0]
    x = torch.randn(2, 5, 6, 6)
    inner = block.bn2(block.conv2(block.act1(block.bn1(block.conv1(x))))) + x
    rescaled = block.act2.recalibration(inner.relu(), inner.relu())
    assert torch.equal(block.train(False)(x), block(x))
    network.train()
    assert not torch.equal(rescaled, inner.relu()) and rescaled.shape == x.shape
    with pytest.raises(InputError, match="no module of user_models.py:residual .* 'act9'"):
        user("residual", recalibrate=("act9",)).slots()


def test_a_model_that_cannot_be_traced_says_so_and_takes_patterns() -> None:
    graft = user("untraceable")
    assert names(graft, "conv") and not names(graft, "recalibration")
    with pytest.raises(InputError, match="torch.fx cannot trace it .*in recalibrate"):
        Architecture(graft, {"*": SqueezeExcite()})
    named = user("untraceable", recalibrate=("*.bn2",))
    assert len(Architecture(named, {"*": SqueezeExcite()}).choices) == 2


REASONS = {
    "dilated": "its dilation is 2",
    "wide": r"its kernel is \(1, 3\)",
    "reflected": "its padding is of mode 'reflect'",
    "same": "its padding is same",
    "twice": "it is 2 times called",
    "unused": "it is not called",
    "up": "it is a transposed convolution",
    "gate": "its map has one pixel",
    "first": "its weights are also those of second",
    "own": "it is a Standardised",
}


@pytest.mark.parametrize("name", REASONS)
def test_what_is_no_slot_is_refused_with_the_reason(name: str) -> None:
    graft = user("odd")
    assert names(graft, "conv") == ["plain"]
    for pattern in (name, f"{name}*"):
        with pytest.raises(InputError, match=REASONS[name]):
            Architecture(graft, {pattern: CoConv()})


def test_choices_are_refused_as_in_any_backbone() -> None:
    with pytest.raises(InputError, match="it replaces padded 3x3 convolutions and this one is 1x1"):
        Architecture(user("residual"), {"blocks.1.shortcut": Multiception()})


@dataclass(frozen=True)
class Normed(Choice):
    """A convolution with a norm and an activation of its own."""

    kind: ClassVar[str] = "normed"
    role: ClassVar[Any] = "conv"
    normalised: ClassVar[bool] = True

    def module(self, slot: Any) -> nn.Module:
        conv = Static().module(slot)
        return nn.Sequential(conv, nn.BatchNorm2d(slot.out_chs), nn.SiLU())


def test_an_operator_with_a_norm_of_its_own_replaces_the_one_that_follows() -> None:
    graft = user("residual")
    network = build(Architecture(graft, {"blocks.0.conv1": Normed()}))
    block = network.blocks[0]
    assert isinstance(block.bn1, nn.Identity) and isinstance(block.act1, nn.Identity)
    assert isinstance(block.bn2, nn.BatchNorm2d)
    parts = anatomy(graft)
    assert parts.norms["stem"] == "norm" and "stem" not in parts.activations
    assert parts.activations["blocks.0.conv1"] == "blocks.0.act1"
    space = Space.of(graft, Rule.of("*conv1", Static(), Normed(), CoConv(2)))
    assert space.cost(network_of(space)) == measure(network_of(space), 32)


def network_of(space: Space) -> Architecture:
    return Architecture(space.backbones[0], {"blocks.0.conv1": Normed()})


def test_channels_and_classes_are_asked_for_or_made_anew() -> None:
    for graft in (Graft("torchvision/resnet18"), user("residual"), user("stemless_arguments")):
        size = 28
        network = build(Architecture(graft, {"*": CoConv(2)}), num_classes=4, in_chs=2)
        assert network(torch.zeros(2, 2, size, size)).shape == (2, 4)
        assert measure(Architecture(graft), size, num_classes=4, in_chs=2).macs > 0
    assert Graft().default_classes == 1000
    assert user("stemless_arguments").default_classes == 7
    with pytest.raises(InputError, match="does not end in a linear layer"):
        build(Architecture(user("headless")), num_classes=4)


def test_grey_images_are_priced_with_the_first_convolution_decided() -> None:
    space = Space.of(
        user("residual"), Rule.of("*", Static(), CoConv(2)), in_chs=1, input_size=28, num_classes=10
    )
    for network in (space.sample(Random(seed)) for seed in range(3)):
        assert space.cost(network) == measure(network, 28, num_classes=10, in_chs=1)


def test_keys_cover_the_users_file_and_not_its_folder(tmp_path: Path) -> None:
    here, there = tmp_path / "a" / "net.py", tmp_path / "b" / "net.py"
    for file in (here, there):
        file.parent.mkdir()
        file.write_text(read_text(FILE), encoding="utf-8")
    first, second = (Architecture(Graft(f"{file}:residual")) for file in (here, there))
    assert first.key == second.key and first.backbone.label() == "net.py:residual"
    there.write_text(read_text(FILE) + "# changed\n", encoding="utf-8")
    changed = Architecture(Graft(f"{there}:residual"))
    assert changed.key != first.key
    assert Architecture.from_json(first.to_json()) == first
    # As in a process that does not know the file.
    data, raw = pickle.dumps(first), first.to_json()
    del user_code.FILES[first.backbone.source.split()[-1]]
    for name in list(sys.modules):
        if name.startswith("convfrontier_file_"):
            del sys.modules[name]
    anatomy.cache_clear()
    with pytest.raises(InputError, match="net.py must be the file with sha256"):
        build(Architecture.from_json(raw))
    assert build(pickle.loads(data)).head.out_features == 10
    version = Graft("torchvision/resnet18").source
    assert version == f"torchvision {torchvision.__version__.split('+')[0]}"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("torchvision/resnet19", "no classification model 'resnet19'; the nearest are resnet18"),
        ("resnet18", "model must be torchvision/NAME, timm/NAME or FILE.py:FUNCTION"),
        ("keras/resnet18", "model must be torchvision/NAME"),
        (3, "model must be a text"),
        ("missing.py:make", "missing.py: cannot be read"),
        (f"{FILE}:missing", "user_models.py has no function 'missing'"),
        (f"{FILE}:failing", "failing cannot be made: KeyError: 'no weights here'"),
        (f"{FILE}:number", "number must return an nn.Module, got int"),
        (f"{FILE}:two_outputs", "two_outputs must return logits of shape"),
        (f"{FILE}:flat", "flat has no convolution"),
    ],
)
def test_unusable_models_are_told_in_a_sentence(model: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Architecture(Graft(model))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"model": "keras/resnet18", "source": "keras 3"},
            "no source of 'keras/resnet18' is called",
        ),
        ({"model": "a.py:f", "source": "torchvision 1"}, "no source of 'a.py:f' is called"),
        ({"model": "torchvision/resnet18", "source": "timm 1"}, "leave source out"),
        ({"recalibrate": "*.act2"}, r"recalibrate must be a list of patterns .*, got '\*.act2'"),
        ({"recalibrate": (3,)}, "recalibrate must be a list of patterns"),
    ],
)
def test_bad_fields_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Graft(**settings)


def test_a_file_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("import nothing_of_this_name\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken.py cannot be run: ModuleNotFoundError"):
        Graft(f"{file}:make")


def test_an_image_of_a_size_that_the_model_does_not_take() -> None:
    graft = Architecture(Graft("torchvision/vit_b_16"))
    with pytest.raises(InputError, match="vit_b_16 takes no image of 64 px: .*Wrong image height"):
        measure(graft, 64)
    with pytest.raises(InputError, match="takes no image of 4 px"):
        Space.of(user("stemless_arguments"), Rule.of("*", Static(), CoConv()), input_size=4)


def test_a_space_in_a_file_names_models_beside_it(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(read_text(FILE), encoding="utf-8")
    (tmp_path / "space.yaml").write_text(
        """
backbone: [{kind: graft, model: [net.py:residual, net.py:untraceable]}]
rules: [{slots: "*.conv1", options: [static, {kind: coconv, experts: [2, 4]}]}]
input_size: 16
""",
        encoding="utf-8",
    )
    space = read_space(tmp_path / "space.yaml")
    assert space.size() == 2 * 3**2
    # Read anywhere, for the source is part of it.
    assert parse_space({"backbone": {"kind": "graft"}}).backbones == (Graft(),)
    assert Space.from_json(space.to_json()) == space
    drawn = space.within(max_macs=int(space.price([space.point(0)])[0][0])).sample(Random(0))
    assert drawn in space


def test_networks_are_copied_and_saved() -> None:
    architecture = Architecture(user("residual"), {"*": SqueezeExcite(), "*conv1": CoConv(2)})
    network = build(architecture).eval()
    images = torch.randn(2, 3, 12, 12)
    assert torch.equal(copy.deepcopy(network)(images), network(images))
    torch.testing.assert_close(deploy(network)(images), network(images), rtol=1e-4, atol=1e-5)


def test_models_of_timm_are_grafted_too() -> None:
    graft = Graft("timm/resnet18.a1_in1k", recalibrate=("*.act2",))
    assert graft.source == f"timm {timm.__version__}"
    torch.manual_seed(2)
    theirs = timm.create_model("resnet18", num_classes=4, in_chans=1)
    torch.manual_seed(2)
    ours = build(Architecture(graft), num_classes=4, in_chs=1)
    images = torch.randn(2, 1, 32, 32)
    assert list(theirs.state_dict()) == list(ours.state_dict())
    with torch.no_grad():
        assert torch.equal(theirs.eval()(images), ours.eval()(images))
    assert len(names(graft, "recalibration")) == 8
    with pytest.raises(InputError, match="timm has no classification model 'resnet19'"):
        Graft("timm/resnet19")
    with pytest.raises(InputError, match="stem.conv1: it is a ScaledStdConv2d"):
        Graft("timm/nfnet_f0").slots()


@slow
@pytest.mark.parametrize(
    ("name", "number", "first"),
    [
        ("ecaresnet50t", 16, "layer1.0.bn3"),
        ("convnext_atto", 12, "stages.0.blocks.0.mlp.fc2"),
        ("efficientnet_b0", 15, "blocks.1.0.bn3"),
        ("regnety_004", 16, "s1.b1.conv3.bn"),
    ],
)
def test_recalibration_in_timm(name: str, number: int, first: str) -> None:
    graft = Graft(f"timm/{name}")
    found = names(graft, "recalibration")
    assert (len(found), found[0]) == (number, f"{first}.recalibration")
    space = Space.of(graft, Rule.of("*", *OPTIONS[:3], *OPTIONS[5:]), input_size=SIZE)
    network = space.sample(Random(1))
    assert space.cost(network) == measure(network, SIZE)


def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match="timm is not installed; pip install timm"):
        Graft("timm/resnet18")


def test_activations_of_torch_are_known() -> None:
    assert isinstance(nn.Hardswish(), ACTIVATIONS) and "coconv" in OPERATORS
