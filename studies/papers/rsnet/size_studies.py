"""The studies of RS-Net about its sizes: Table 1 and Figure 4 (right)."""

from dataclasses import replace

from studies.papers.printed import published
from studies.papers.rsnet.protocol import (
    PAPER,
    SwitchableNetwork,
    compare,
    paper_design,
    quick_designs,
)
from studies.papers.rsnet.tables import RESNET, TABLE_1
from studies.spec.ablation import Arm, Study
from studies.spec.claims import Claim, Comparison, Operand, exceeds


def _complementary_arms(network: SwitchableNetwork) -> tuple[Arm, ...]:
    return (*network.individuals(), network.parallel(), network.switchable())


def _share(network: SwitchableNetwork, name: str, right: int, wrong: int) -> Operand:
    """The images that are right at one size and wrong at another."""
    if name == "I":
        return replace(network.individual(right), but_not=network.individual(wrong))
    return replace(network.at(name, right), but_not=network.at(name, wrong))


def _fewer(
    network: SwitchableNetwork, lower: str, higher: str, pairs: list[tuple[int, int]]
) -> tuple[Comparison, ...]:
    """`lower` has the smaller share for every pair (right, wrong)."""
    return tuple(
        compare(_share(network, higher, *pair), _share(network, lower, *pair)) for pair in pairs
    )


def _complementary_claims(network: SwitchableNetwork) -> tuple[Claim, ...]:
    sizes, smallest = network.sizes, network.sizes[-1]
    pairs = [(right, wrong) for right in sizes for wrong in sizes if right != wrong]
    return (
        Claim(
            "RS-Net: fewer images are right at one size and wrong at another than with individual "
            "networks, for all pairs of sizes",
            "RS-Net Table 1",
            _fewer(network, "RS-Net", "I", pairs),
        ),
        Claim(
            "Parallel training: the same for pairs whose wrong size is not the smallest",
            "RS-Net Table 1",
            _fewer(network, "parallel", "I", [pair for pair in pairs if pair[1] != smallest]),
        ),
        Claim(
            "Parallel training: more images are right at a larger size and wrong at the smallest",
            "RS-Net Table 1",
            _fewer(network, "I", "parallel", [pair for pair in pairs if pair[1] == smallest]),
        ),
        Claim(
            "Sizes are complementary: their ensemble is better than the largest alone",
            "RS-Net Section 3.3",
            exceeds(Operand("RS-Net", ensemble=True), network.at("RS-Net", sizes[0])),
        ),
    )


rsnet_complementarity = Study(
    name="rsnet_complementarity",
    question="Which images does one input size get right and another wrong?",
    source="RS-Net Table 1",
    baseline="parallel",
    presets={
        **quick_designs(lambda net, _: (_complementary_arms(net), _complementary_claims(net))),
        "paper": paper_design(_complementary_arms(PAPER), _complementary_claims(PAPER)),
    },
    published=published(RESNET + TABLE_1),
)


def _new_sizes_arms(network: SwitchableNetwork) -> tuple[Arm, ...]:
    switchable = network.switchable()
    resolutions = switchable.architecture.resolutions
    between = resolutions.between if resolutions else ()
    return (*network.individuals(tested=(*network.sizes, *between)), switchable)


def _new_sizes_claims(network: SwitchableNetwork) -> tuple[Claim, ...]:
    sizes = network.sizes
    middles = [(large + small) // 2 for large, small in zip(sizes, sizes[1:], strict=False)]
    return (
        Claim(
            "At sizes that nobody was trained at, RS-Net is better than every individual network",
            "RS-Net Section 4.3, Figure 4",
            tuple(
                compare(Operand("RS-Net", middle), network.at(f"I-{size}", middle))
                for middle in middles
                for size in sizes
            ),
        ),
        Claim(
            "RS-Net keeps its accuracy there: a new size is better than the next smaller one",
            "RS-Net Section 4.3, Figure 4",
            tuple(
                compare(Operand("RS-Net", middle), Operand("RS-Net", smaller))
                for middle, smaller in zip(middles, sizes[1:], strict=True)
            ),
        ),
        Claim(
            "Every individual network drops at the other sizes, below the network of that size",
            "RS-Net Section 4.3, Figure 4",
            tuple(
                compare(network.individual(size), network.at(f"I-{other}", size))
                for size in sizes
                for other in sizes
                if other != size
            ),
        ),
    )


rsnet_new_sizes = Study(
    name="rsnet_new_sizes",
    question="Can a network be used at sizes that it was not trained at?",
    source="RS-Net Figure 4, right",
    baseline="RS-Net",
    presets={
        **quick_designs(lambda net, _: (_new_sizes_arms(net), _new_sizes_claims(net))),
        "paper": paper_design(_new_sizes_arms(PAPER), _new_sizes_claims(PAPER)),
    },
    published=published(row for row in RESNET if row.arm != "parallel"),
)
