"""Rules: patterns, ties, what is refused, and decisions that act on each other."""

import pytest

from searchspace import (
    AlexNet,
    Architecture,
    CoConv,
    HierarchicalSplit,
    InputError,
    MixConv,
    Multiception,
    Resolutions,
    Rule,
    Space,
    SqueezeExcite,
    Static,
)
from tests.support.small_spaces import BOTTLENECK, CIFAR, SPLITS, bottleneck_space

TWO = (Static(), CoConv(2))
CONVS = 6


@pytest.mark.parametrize(
    ("tie", "decisions"),
    [
        ("slot", CONVS),
        ("stage", 3),
        ("all", 1),
        ((("layer1.*", "layer2.0.conv1"), ("layer3.*",)), 3),
    ],
)
def test_ties_make_one_decision_for_a_group(tie, decisions: int) -> None:
    tried = Space.of(CIFAR, Rule.of("*.conv*", *TWO, tie=tie))
    assert tried.size() == 2**decisions
    if tie == "stage":
        for network in tried:
            assert len(network.choices) % 2 == 0


def test_a_tied_option_goes_where_it_can() -> None:
    tried = Space.of(CIFAR, Rule.of("layer1.*", Static(), CoConv(2), SqueezeExcite(), tie="stage"))
    assert {tuple(network.choices) for network in tried} == {
        (),
        ("layer1.0.conv1", "layer1.0.conv2"),
        ("layer1.0.recalibration",),
    }


def test_a_later_rule_replaces_an_earlier_one_where_it_can() -> None:
    tried = Space.of(
        CIFAR,
        Rule.of("*", Static(), CoConv(2)),
        Rule.of("*", SqueezeExcite()),
        Rule.of("layer1.*", CoConv(3)),
    )
    assert tried.size() == 2**4
    for network in tried:
        assert network.choices["layer1.0.conv1"] == CoConv(3)
        assert network.choices["layer2.0.recalibration"] == SqueezeExcite()


def test_groups_with_one_name_stay_two_decisions() -> None:
    rules = Rule.of("*", *TWO, tie="all"), Rule.of("*", SqueezeExcite(), tie="all")
    tried = Space.of(CIFAR, rules[0], Rule.of("*", SqueezeExcite(), SqueezeExcite(2), tie="all"))
    assert tried.size() == 2 * 2
    assert Space.of(CIFAR, *rules).size() == 2


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            [("*", *TWO, "all"), ("layer1.*", *TWO, "slot")],
            r"rules\[1\]: contradictory ties: rules",
        ),
        ([("*", *TWO, "stage"), ("*.conv1", CoConv(3), "all")], r"rules\[1\]: contradictory ties"),
        (
            [("*", *TWO, (("layer1.*", "layer2.*"), ("layer2.*", "layer3.*")))],
            r"rules\[0\]: contradictory ties: slot 'layer2.0.conv1' is in the groups",
        ),
        ([("layer4.*", *TWO, "slot")], r"rules\[0\]: no slot is called or fits 'layer4.\*'; the s"),
        (
            [("layer1.0.conv1", Static(), SqueezeExcite(), "slot")],
            r"rules\[0\].options\[1\]: slot 'layer1.0.conv1' cannot take se: it is a recalibration",
        ),
        (
            [("*", Static(), HierarchicalSplit(8, 4), "slot")],
            r"rules\[0\].options\[1\]: slot '.*' cannot take hs.*bottleneck",
        ),
        (
            [("*", Static(), "slot"), ("layer3.*", Static(), Multiception((3, 9)), "slot")],
            r"rules\[1\].options\[1\]: slot 'layer3.0.conv2' cannot take .*: kernel 9 is larger "
            "than its 8x8 map",
        ),
        (
            [("layer1.*", Static(), MixConv((3, 5, 7, 7, 7)), "slot")],
            "4 channels cannot be split over 5 kernels",
        ),
    ],
)
def test_unusable_rules_are_answered_with_their_place(rules, message: str) -> None:
    made = [Rule.of(slots, *options, tie=tie) for slots, *options, tie in rules]
    with pytest.raises(InputError, match=message):
        Space.of(CIFAR, *made)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rule.of("*"), "options must hold at least one choice, got none"),
        (lambda: Rule.of([], Static()), "slots must name at least one slot"),
        (lambda: Rule.of("*", Static(), Static()), "options must differ, got static twice"),
        (lambda: Rule.of("*", Static(), tie="blocks"), "tie must be one of slot, stage, all"),
        (lambda: Space.of(CIFAR, input_size=0), "input_size must be a whole number"),
        (lambda: Space.of(CIFAR, num_classes=0), "num_classes must be a whole number"),
        (lambda: Space.of(AlexNet("imagenet"), input_size=8), "input_size 8 is too small for alex"),
        (
            lambda: Space.of(CIFAR, resolutions=(None, Resolutions((48, 32)))),
            r"resolutions\[1\]: sizes must be at most input_size, 32.*got \(48, 32\)",
        ),
        (
            lambda: Space.of(CIFAR, resolutions=(Resolutions((24, 16)),)),
            r"resolutions\[0\]: .*must reach up to it, got \(24, 16\)",
        ),
    ],
)
def test_unusable_settings_are_answered(make, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_kernels_up_to_the_map_and_up_to_the_slots_own_are_legal() -> None:
    tried = Space.of(CIFAR, Rule.of("layer3.0.conv2", Static(), Multiception((3, 7))))
    assert tried.size() == 2
    tiny = Space.of(CIFAR, Rule.of("layer3.*", Static(), Multiception((3, 3))), input_size=4)
    assert tiny.size() == 2**2


@pytest.mark.parametrize("tie", ["slot", "stage", "all"])
def test_widths_reach_the_slots_around_them(tie) -> None:
    """Options of followers are judged and made canonical for the width that the leader gives."""
    tried = Space.of(
        BOTTLENECK,
        Rule.of("layer1.*.conv2", *SPLITS[:2], tie=tie),
        Rule.of(["layer1.*.conv1", "layer1.*.conv3"], *TWO),
        input_size=16,
    )
    leaders = {"slot": 3, "stage": 1, "all": 1}[tie]
    assert tried.size() == 2**leaders * 2**6
    for index in range(0, tried.size(), 37):
        network = tried.point(index)
        wide = network.choices.get("layer1.0.conv2") == HierarchicalSplit(3, 3)
        chs = {slot.name: slot.out_chs for slot in network.slots()}["layer1.0.conv1"]
        assert chs == (9 if wide else 4)


def test_leaders_that_share_a_follower_are_decided_with_it() -> None:
    """conv1 and conv3 tied over blocks whose middles are decided one by one."""
    tried = Space.of(
        BOTTLENECK,
        Rule.of(["layer1.0.conv2", "layer1.1.conv2"], *SPLITS[:3]),
        Rule.of(["layer1.0.conv1", "layer1.1.conv1"], *TWO, tie="all"),
        input_size=16,
    )
    assert tried.size() == 3 * 3 * 2 == len(set(tried))
    joint = [decision for decision in tried.encoding.labels if "+" in decision]
    assert len(joint) == 1 and len(tried.encoding.labels[joint[0]]) == 18


def test_ties_that_would_need_too_many_combinations_say_so() -> None:
    with pytest.raises(InputError, match="act on each other's channels and have .* combinations"):
        Space.of(
            BOTTLENECK,
            Rule.of("*.conv2", *SPLITS),
            Rule.of("*.conv1", *TWO, tie="all"),
            input_size=16,
        )


def test_every_point_of_a_coupled_space_is_its_own_network() -> None:
    tried = bottleneck_space()
    keys = {network.key for network in tried}
    assert len(keys) == tried.size()
    assert all(isinstance(network, Architecture) for network in tried)
