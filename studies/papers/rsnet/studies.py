"""The studies of RS-Net (resolution-switchable networks); here Tables 2, 3 and 4.

What single sizes do is in `rsnet_sizes`, the ablations of the training in `rsnet_training`.
"""

from dataclasses import replace

from searchspace import Architecture, MobileNetV2, ResNet, ResNetCifar
from searchspace.paper_networks.rsnet import SIZES, WIDTHS
from studies.papers.printed import published
from studies.papers.rsnet.protocol import (
    MOBILENET_RECIPE,
    PAPER,
    PAPER_MOBILENET,
    QUICK_NETWORK,
    Parts,
    SwitchableNetwork,
    at_all_sizes,
    compare,
    paper_design,
    quick_designs,
)
from studies.papers.rsnet.size_studies import rsnet_complementarity, rsnet_new_sizes
from studies.papers.rsnet.tables import (
    NETWORKS,
    SIZES_AND_WIDTHS,
    TABLE_2,
    TABLE_3,
    width_name,
)
from studies.papers.rsnet.training_studies import (
    rsnet_crops,
    rsnet_distillation,
    rsnet_interaction,
    rsnet_norms,
)
from studies.spec.ablation import Arm, Study
from studies.spec.claims import Claim, Comparison, Operand
from trainers import RECIPES, Recipe

RESNET, DEEP, MOBILE = (f"{name} " for name in NETWORKS)
PAPER_NETWORKS = (
    replace(PAPER, prefix=RESNET),
    SwitchableNetwork(ResNet(50), SIZES, DEEP),
    replace(PAPER_MOBILENET, prefix=MOBILE, recipe=MOBILENET_RECIPE),
)


def _comparison_arms(network: SwitchableNetwork) -> tuple[Arm, ...]:
    """Individual networks, the largest also tested elsewhere, parallel training and RS-Net."""
    largest, *smaller = network.sizes
    return (
        *network.individuals(tested=smaller, of=(largest,)),
        *network.individuals(of=smaller),
        network.parallel(),
        network.switchable(),
    )


def _comparison_claims(network: SwitchableNetwork, cheaper: int) -> tuple[Claim, ...]:
    """`cheaper` is the size at which RS-Net is said to surpass the largest individual network."""
    largest, *smaller = network.sizes
    who, smallest = network.prefix.strip(), smaller[-1]
    return (
        Claim(
            f"{who}: RS-Net is better than the individual network of every size",
            "RS-Net Section 4.2",
            at_all_sizes(network, "RS-Net", "I"),
        ),
        Claim(
            f"{who}: parallel training is better than individual networks but at the smallest size",
            "RS-Net Section 4.2",
            at_all_sizes(network, "parallel", "I", network.sizes[:-1]),
        ),
        Claim(
            f"{who}: parallel training is worse than the individual network at the smallest size",
            "RS-Net Section 4.2",
            (compare(network.individual(smallest), network.at("parallel", smallest)),),
        ),
        Claim(
            f"{who}: the network of the largest size cannot stand in for those of smaller ones",
            "RS-Net Section 4.2",
            at_all_sizes(network, "I", f"I-{largest}", smaller),
        ),
        Claim(
            f"{who}: RS-Net at {cheaper} px surpasses the individual network at {largest} px",
            "RS-Net Section 4.2",
            (compare(network.at("RS-Net", cheaper), network.individual(largest)),),
        ),
    )


rsnet_resolutions = Study(
    name="rsnet_resolutions",
    question="Can one network serve several input sizes as well as one network for each?",
    source="RS-Net Table 2",
    baseline=f"{RESNET}parallel",
    presets={
        **quick_designs(
            lambda net, _: (_comparison_arms(net), _comparison_claims(net, net.sizes[1])),
            prefix=RESNET,
            more="One network stands for the paper's three.",
        ),
        "paper": paper_design(
            tuple(arm for network in PAPER_NETWORKS for arm in _comparison_arms(network)),
            tuple(
                claim
                for network, cheaper in zip(PAPER_NETWORKS, (160, 160, 192), strict=True)
                for claim in _comparison_claims(network, cheaper)
            ),
        ),
    },
    published=published(TABLE_2),
)


BITS = ((2, 32), (2, 2))
"""Bits of weights and activations."""


def _quantised(network: SwitchableNetwork, recipe: Recipe) -> tuple[SwitchableNetwork, ...]:
    """The same network with each number of bits."""
    return tuple(
        replace(
            network,
            prefix=f"{network.prefix}{weights}/{activations} ",
            recipe=replace(recipe, weight_bits=weights, activation_bits=activations),
        )
        for weights, activations in BITS
    )


QUANTISED = tuple(
    quantised
    for network in PAPER_NETWORKS[:2]
    for quantised in _quantised(network, RECIPES["rsnet_quantised"])
)


def _quantised_arms(networks: tuple[SwitchableNetwork, ...]) -> tuple[Arm, ...]:
    return tuple(arm for s in networks for arm in (*s.individuals(), s.switchable()))


def _quantised_claims(networks: tuple[SwitchableNetwork, ...]) -> tuple[Claim, ...]:
    return tuple(
        Claim(
            f"{network.prefix.strip()} bits: RS-Net is better than individual networks everywhere",
            "RS-Net Table 3",
            at_all_sizes(network, "RS-Net", "I"),
        )
        for network in networks
    )


def _gain(more: SwitchableNetwork, less: SwitchableNetwork) -> Comparison:
    """RS-Net's mean gain over individual networks is larger for one network than for another."""
    return Comparison(
        tuple(o for s in more.sizes for o in (more.at("RS-Net", s), less.individual(s))),
        tuple(o for s in more.sizes for o in (less.at("RS-Net", s), more.individual(s))),
    )


def _quick_quantised(network: SwitchableNetwork, recipe: Recipe) -> Parts:
    # Decay as in the paper's recipe.
    networks = _quantised(network, replace(recipe, decay_norms=False, decay_scores=False))
    return _quantised_arms(networks), _quantised_claims(networks)


DEEPER_GAINS_MORE = Claim(
    "Quantised, the deep ResNet gains more from RS-Net than the shallow one",
    "RS-Net Section 4.2",
    tuple(_gain(QUANTISED[i + len(BITS)], QUANTISED[i]) for i in range(len(BITS))),
)

rsnet_quantised = Study(
    name="rsnet_quantised",
    question="Does one network still serve several sizes when weights and activations have 2 bits?",
    source="RS-Net Table 3",
    baseline=f"{RESNET}2/32 RS-Net",
    presets={
        **quick_designs(
            _quick_quantised, prefix=RESNET, more="One network stands for the paper's two."
        ),
        "paper": paper_design(
            _quantised_arms(QUANTISED),
            (*_quantised_claims(QUANTISED), DEEPER_GAINS_MORE),
            RECIPES["rsnet_quantised"],
        ),
    },
    published=published(TABLE_3),
)


QUICK_WIDTHS = (0.75, 0.5)
"""With about the multiply-accumulates of the smaller sizes."""


def _width_claims(network: SwitchableNetwork, widths: tuple[float, ...]) -> tuple[Claim, ...]:
    pairs = list(zip(network.sizes[1:], widths, strict=True))
    return (
        Claim(
            "At about the same MACs a smaller image is better than a narrower network",
            "RS-Net Section 4.2",
            tuple(compare(network.individual(s), Operand(width_name(w))) for s, w in pairs),
        ),
        Claim(
            "At about the same MACs RS-Net is better than narrower networks",
            "RS-Net Section 4.2",
            tuple(compare(network.at("RS-Net", s), Operand(width_name(w))) for s, w in pairs),
        ),
        Claim(
            "RS-Net is better than the individual network of every size",
            "RS-Net Section 4.2",
            at_all_sizes(network, "RS-Net", "I"),
        ),
    )


def _width_arms(
    network: SwitchableNetwork, narrower: dict[float, ResNetCifar | MobileNetV2]
) -> tuple[Arm, ...]:
    widths = (Arm(width_name(w), Architecture(net)) for w, net in narrower.items())
    return (*network.individuals(), *widths, network.switchable())


def _narrower(width: float) -> ResNetCifar:
    return replace(QUICK_NETWORK, width=int(QUICK_NETWORK.width * width))


rsnet_vs_width = Study(
    name="rsnet_vs_width",
    question="To save computation, should the network be narrower or the image smaller?",
    source="RS-Net Table 4",
    baseline="RS-Net",
    presets={
        **quick_designs(
            lambda net, _: (
                _width_arms(net, {w: _narrower(w) for w in QUICK_WIDTHS}),
                _width_claims(net, QUICK_WIDTHS),
            )
        ),
        "paper": paper_design(
            _width_arms(PAPER_MOBILENET, {w: MobileNetV2(w, dropout=0.0) for w in WIDTHS}),
            _width_claims(PAPER_MOBILENET, WIDTHS),
            MOBILENET_RECIPE,
            more="Slimmable networks are cited, not trained.",
        ),
    },
    published=published(SIZES_AND_WIDTHS),
)

STUDIES = (
    rsnet_resolutions,
    rsnet_complementarity,
    rsnet_distillation,
    rsnet_crops,
    rsnet_norms,
    rsnet_new_sizes,
    rsnet_interaction,
    rsnet_quantised,
    rsnet_vs_width,
)
