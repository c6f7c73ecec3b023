"""Spaces in YAML and JSON: short forms, and one sentence with the place for each mistake."""

import json

import pytest

from searchspace import (
    CoConv,
    InputError,
    Multiception,
    ResNetCifar,
    Resolutions,
    Rule,
    Space,
    SqueezeExcite,
    Static,
    parse_space,
    read_space,
)
from tests.support.small_spaces import bottleneck_space, resnet_space

GOOD = """
name: small
backbone: {kind: resnet_cifar, depth: [8, 14], width: 4}
rules:
  - slots: "*.conv*"
    options: [static, {kind: coconv, experts: [2, 4]}, {kind: multiception, kernels: [[3], [3, 5]]}]
    tie: stage
  - slots: [layer1.0.recalibration, "layer2.*.recal*"]
    options: [none, se]
resolutions: [null, {sizes: [[32, 24], [32, 16]], norms: shared}]
input_size: 32
num_classes: 7
"""


def written(tmp_path, text: str, name: str = "space.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_short_forms_stand_for_the_long_ones(tmp_path) -> None:
    expected = Space(
        (ResNetCifar(8, 4), ResNetCifar(14, 4)),
        (
            Rule(
                ("*.conv*",),
                (Static(), CoConv(2), CoConv(4), Multiception((3,)), Multiception((3, 5))),
                "stage",
            ),
            Rule.of(
                ["layer1.0.recalibration", "layer2.*.recal*"], parse_choice("none"), SqueezeExcite()
            ),
        ),
        (None, Resolutions((32, 24), "shared"), Resolutions((32, 16), "shared")),
        num_classes=7,
        name="small",
    )
    assert read_space(written(tmp_path, GOOD)) == expected


def parse_choice(kind: str):
    data = {"backbone": "resnet_cifar", "rules": [{"slots": "*", "options": [kind, "se"]}]}
    return parse_space(data).rules[0].options[0]


@pytest.mark.parametrize("make", [resnet_space, bottleneck_space])
def test_the_json_form_reads_back(tmp_path, make) -> None:
    data = make().to_json()
    assert Space.from_json(json.loads(json.dumps(data))) == make()
    data["backbone"] = data.pop("backbones")
    assert read_space(written(tmp_path, json.dumps(data), "space.json")) == make()


RULE = "backbone: resnet_cifar\nrules: [{slots: %s, options: %s}]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RULE % ("'*'", "[]"), r"rules\[0\]: options must hold at least one choice"),
        (RULE % ("'*'", "[quux]"), r"rules\[0\].options\[0\]: unknown kind 'quux'; expected one"),
        (RULE % ("'*'", "[static, {kind: 3}]"), r"rules\[0\].options\[1\]: unknown kind 3"),
        (RULE % ("'*'", "[{experts: 2}]"), r"rules\[0\].options\[0\]: unknown kind None"),
        (RULE % ("'*'", "[7]"), r"rules\[0\].options\[0\]: expected an object, got 7"),
        (RULE % ("'*'", "static"), r"rules\[0\].options: expected a list, got 'static'"),
        (RULE % ("'x*'", "[static]"), r"rules\[0\]: no slot is called or fits 'x\*'"),
        (RULE % ("5", "[static]"), r"rules\[0\].slots: expected a list, got 5"),
        (
            RULE % ("layer1.0.conv1", "[static, none]"),
            r"rules\[0\].options\[1\]: slot 'layer1.0.conv1' cannot take none",
        ),
        (
            RULE % ("'*'", "[{kind: coconv, experts: [2, 4]}, {kind: hs, width: [4, 8]}]"),
            r"rules\[0\].options\[1\]: slot '.*' cannot take hs\(width=4\): it goes in the middle",
        ),
        (
            RULE % ("'*'", "[{kind: coconv, experts: [2, 0]}]"),
            r"rules\[0\].options\[0\]: experts must be a whole number of at least 1, got 0",
        ),
        (
            RULE % ("'*'", "[{kind: hs, width: 8, splits: 1}]"),
            r"rules\[0\].options\[0\]: splits must be a whole number of at least 2, got 1",
        ),
        (
            RULE % ("'*'", "[{kind: coconv, experts: []}]"),
            r"options\[0\].experts: expected at least one value, got an empty list",
        ),
        (
            RULE % ("'*'", "[{kind: coconv, expert: 2}]"),
            r"rules\[0\].options\[0\]: unknown field 'expert'; expected experts, side",
        ),
        (
            RULE % ("'*'", "[static, {kind: mixconv, kernels: [3, 65]}]"),
            r"rules\[0\].options\[1\]: slot '.*' cannot take .*: kernel 65 is larger than its ",
        ),
        ("backbone: resnet_cifar\nrules: [{options: [static]}]", r"rules\[0\]: field 'slots' is m"),
        ("backbone: resnet_cifar\nrules: {a: b}", "rules: expected a list, got {'a': 'b'}"),
        ("backbone: resnet_cifar\nrules: [3]", r"rules\[0\]: expected an object, got 3"),
        (
            "backbone: resnet_cifar\nrules: [{slots: '*', options: [static], tie: blok}]",
            r"rules\[0\].tie: expected slot, stage, all or a list of groups, got 'blok'",
        ),
        (
            "backbone: resnet_cifar\nrules: [{slots: '*', options: [static, coconv], tie: all},"
            " {slots: 'layer1*', options: [static, coconv]}]",
            r"rules\[1\]: contradictory ties",
        ),
        ("backbone: nonet", "backbone: unknown kind 'nonet'; expected one of"),
        ("backbone: {kind: resnet_cifar, depth: 21}", "backbone: depth must be 6n.2"),
        ("backbone: {kind: resnet_cifar, depth: x}", "backbone.depth: expected int, got 'x'"),
        ("backbone: [resnet_cifar, {kind: resnet, depth: 7}]", r"backbone\[1\]: depth must be one"),
        ("backbone: []", "backbones must hold at least one"),
        ("rules: []", "field 'backbone' is missing"),
        ("backbone: resnet_cifar\ninput_size: two", "input_size must be a whole number"),
        ("backbone: resnet_cifar\nsize: 2", "unknown field 'size'; expected name, backbone"),
        (
            "backbone: resnet_cifar\nresolutions: [null, {sizes: [64, 32]}]",
            r"resolutions\[1\]: sizes must be at most input_size, 32",
        ),
        (
            "backbone: resnet_cifar\nresolutions: {sizes: []}",
            "resolutions: sizes must be one or more numbers of pixels, got none",
        ),
        ("backbone: [", "line 1, column 12: malformed YAML: "),
        ("backbone: a\n  b: c", "line 2, column 4: malformed YAML: mapping values are not allowed"),
        ("", "expected an object, got None"),
        ("- 1", r"expected an object, got \[1\]"),
        ("\x07", "malformed YAML: unreadable characters"),
    ],
)
def test_mistakes_are_answered_with_their_place(tmp_path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        read_space(path)
    answer = str(caught.value)
    assert answer.startswith(f"{path}: ") and "\n" not in answer


def test_unreadable_files_are_answered(tmp_path) -> None:
    with pytest.raises(InputError, match="none.yaml: cannot be read: No such file"):
        read_space(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_space(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="not a text file in UTF-8"):
        read_space(tmp_path / "binary.yaml")
    with pytest.raises(InputError, match="line 1, column 15: malformed JSON: Expecting value"):
        read_space(written(tmp_path, '{"backbone": [}', "space.json"))
