"""The studies of RS-Net (resolution-switchable networks); here Tables 2, 3 and 4.

What single sizes do is in `rsnet_sizes`, the ablations of the training in `rsnet_training`.
"""

from dataclasses import replace

from searchspace import Architecture, MobileNetV2, ResNet, ResNetCifar
from studies.papers.rsnet import tables as printed
from studies.papers.rsnet.protocol import (
    MOBILENET_RECIPE,
    PAPER,
    PAPER_MOBILENET,
    QUICK,
    QUICK_RECIPE,
    QUICK_SIZES,
    Setting,
    better,
    everywhere,
    paper,
    quick,
)
from studies.papers.rsnet.size_studies import rsnet_complementarity, rsnet_new_sizes
from studies.papers.rsnet.tables import SIZES, WIDTHS, width_name
from studies.papers.rsnet.training_studies import (
    rsnet_crops,
    rsnet_distillation,
    rsnet_interaction,
    rsnet_norms,
)
from studies.spec.ablation import Arm, Study
from studies.spec.claims import Claim, Comparison, Operand
from trainers import RECIPES, Recipe

RESNET, DEEP, MOBILE = (f"{name} " for name in printed.NETWORKS)
NETWORKS = (
    replace(PAPER, prefix=RESNET),
    Setting(ResNet(50), SIZES, DEEP),
    replace(PAPER_MOBILENET, prefix=MOBILE, recipe=MOBILENET_RECIPE),
)
SMALL = replace(QUICK, prefix=RESNET)


def _comparison_arms(setting: Setting) -> tuple[Arm, ...]:
    """Individual networks, the largest also tested elsewhere, parallel training and RS-Net."""
    largest, *smaller = setting.sizes
    return (
        *setting.individuals(tested=smaller, of=(largest,)),
        *setting.individuals(of=smaller),
        setting.parallel(),
        setting.switchable(),
    )


def _comparison_claims(setting: Setting, cheaper: int) -> tuple[Claim, ...]:
    """`cheaper` is the size at which RS-Net is said to surpass the largest individual network."""
    largest, *smaller = setting.sizes
    who, smallest = setting.prefix.strip(), smaller[-1]
    return (
        Claim(
            f"{who}: RS-Net is better than the individual network of every size",
            "RS-Net Section 4.2",
            everywhere(setting, "RS-Net", "I"),
        ),
        Claim(
            f"{who}: parallel training is better than individual networks but at the smallest size",
            "RS-Net Section 4.2",
            everywhere(setting, "parallel", "I", setting.sizes[:-1]),
        ),
        Claim(
            f"{who}: parallel training is worse than the individual network at the smallest size",
            "RS-Net Section 4.2",
            (better(setting.own(smallest), setting.at("parallel", smallest)),),
        ),
        Claim(
            f"{who}: the network of the largest size cannot stand in for those of smaller ones",
            "RS-Net Section 4.2",
            everywhere(setting, "I", f"I-{largest}", smaller),
        ),
        Claim(
            f"{who}: RS-Net at {cheaper} px surpasses the individual network at {largest} px",
            "RS-Net Section 4.2",
            (better(setting.at("RS-Net", cheaper), setting.own(largest)),),
        ),
    )


rsnet_resolutions = Study(
    name="rsnet_resolutions",
    question="Can one network serve several input sizes as well as one network for each?",
    source="RS-Net Table 2",
    baseline=f"{RESNET}parallel",
    presets={
        "quick": quick(
            _comparison_arms(SMALL),
            _comparison_claims(SMALL, QUICK_SIZES[1]),
            more="One network stands for the paper's three.",
        ),
        "paper": paper(
            tuple(arm for setting in NETWORKS for arm in _comparison_arms(setting)),
            tuple(
                claim
                for setting, cheaper in zip(NETWORKS, (160, 160, 192), strict=True)
                for claim in _comparison_claims(setting, cheaper)
            ),
        ),
    },
    published=printed.TABLE_2,
)


BITS = ((2, 32), (2, 2))
"""Bits of weights and activations."""


def _quantised(setting: Setting, recipe: Recipe) -> tuple[Setting, ...]:
    """The same network with each number of bits."""
    return tuple(
        replace(
            setting,
            prefix=f"{setting.prefix}{weights}/{activations} ",
            recipe=replace(recipe, weight_bits=weights, activation_bits=activations),
        )
        for weights, activations in BITS
    )


QUANTISED_SMALL = _quantised(SMALL, QUICK_RECIPE)
QUANTISED = tuple(
    quantised
    for setting in NETWORKS[:2]
    for quantised in _quantised(setting, RECIPES["rsnet_quantised"])
)


def _quantised_arms(settings: tuple[Setting, ...]) -> tuple[Arm, ...]:
    return tuple(arm for s in settings for arm in (*s.individuals(), s.switchable()))


def _quantised_claims(settings: tuple[Setting, ...]) -> tuple[Claim, ...]:
    return tuple(
        Claim(
            f"{setting.prefix.strip()} bits: RS-Net is better than individual networks everywhere",
            "RS-Net Table 3",
            everywhere(setting, "RS-Net", "I"),
        )
        for setting in settings
    )


def _gain(more: Setting, less: Setting) -> Comparison:
    """RS-Net's mean gain over individual networks is larger for one setting than for another."""
    return Comparison(
        tuple(o for s in more.sizes for o in (more.at("RS-Net", s), less.own(s))),
        tuple(o for s in more.sizes for o in (less.at("RS-Net", s), more.own(s))),
    )


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
        "quick": quick(
            _quantised_arms(QUANTISED_SMALL),
            _quantised_claims(QUANTISED_SMALL),
            seeds=5,
            more="One network stands for the paper's two.",
        ),
        "paper": paper(
            _quantised_arms(QUANTISED),
            (*_quantised_claims(QUANTISED), DEEPER_GAINS_MORE),
            RECIPES["rsnet_quantised"],
        ),
    },
    published=printed.TABLE_3,
)


QUICK_WIDTHS = (0.75, 0.5)
"""With the multiply-accumulates of 12 and 8 px, which are the same shares of 16 px."""


def _width_claims(setting: Setting, widths: tuple[float, ...]) -> tuple[Claim, ...]:
    pairs = list(zip(setting.sizes[1:], widths, strict=True))
    return (
        Claim(
            "At about the same MACs a smaller image is better than a narrower network",
            "RS-Net Section 4.2",
            tuple(better(setting.own(s), Operand(width_name(w))) for s, w in pairs),
        ),
        Claim(
            "At about the same MACs RS-Net is better than narrower networks",
            "RS-Net Section 4.2",
            tuple(better(setting.at("RS-Net", s), Operand(width_name(w))) for s, w in pairs),
        ),
        Claim(
            "RS-Net is better than the individual network of every size",
            "RS-Net Section 4.2",
            everywhere(setting, "RS-Net", "I"),
        ),
    )


def _width_arms(
    setting: Setting, narrower: dict[float, ResNetCifar | MobileNetV2]
) -> tuple[Arm, ...]:
    widths = (Arm(width_name(w), Architecture(net)) for w, net in narrower.items())
    return (*setting.individuals(), *widths, setting.switchable())


rsnet_vs_width = Study(
    name="rsnet_vs_width",
    question="To save computation, should the network be narrower or the image smaller?",
    source="RS-Net Table 4",
    baseline="RS-Net",
    presets={
        "quick": quick(
            _width_arms(
                QUICK,
                {w: ResNetCifar(8, width=int(8 * w), shortcut="B") for w in QUICK_WIDTHS},
            ),
            _width_claims(QUICK, QUICK_WIDTHS),
        ),
        "paper": paper(
            _width_arms(PAPER_MOBILENET, {w: MobileNetV2(w) for w in WIDTHS}),
            _width_claims(PAPER_MOBILENET, WIDTHS),
            MOBILENET_RECIPE,
            more="Slimmable networks are cited, not trained.",
        ),
    },
    published=printed.TABLE_4,
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
