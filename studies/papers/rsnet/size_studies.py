"""The studies of RS-Net about its sizes: Table 1 and Figure 4 (right)."""

from dataclasses import replace

from studies.papers.rsnet import tables as printed
from studies.papers.rsnet.protocol import PAPER, QUICK, Setting, better, paper, quick
from studies.spec.ablation import Arm, Study
from studies.spec.claims import Claim, Comparison, Operand, exceeds


def _complementary_arms(setting: Setting) -> tuple[Arm, ...]:
    return (*setting.individuals(), setting.parallel(), setting.switchable())


def _share(setting: Setting, name: str, right: int, wrong: int) -> Operand:
    """The images that are right at one size and wrong at another."""
    if name == "I":
        return replace(setting.own(right), but_not=setting.own(wrong))
    return replace(setting.at(name, right), but_not=setting.at(name, wrong))


def _fewer(
    setting: Setting, lower: str, higher: str, pairs: list[tuple[int, int]]
) -> tuple[Comparison, ...]:
    """`lower` has the smaller share for every pair (right, wrong)."""
    return tuple(
        better(_share(setting, higher, *pair), _share(setting, lower, *pair)) for pair in pairs
    )


def _complementary_claims(setting: Setting) -> tuple[Claim, ...]:
    sizes, smallest = setting.sizes, setting.sizes[-1]
    pairs = [(right, wrong) for right in sizes for wrong in sizes if right != wrong]
    return (
        Claim(
            "RS-Net: fewer images are right at one size and wrong at another than with individual "
            "networks, for all pairs of sizes",
            "RS-Net Table 1",
            _fewer(setting, "RS-Net", "I", pairs),
        ),
        Claim(
            "Parallel training: the same for pairs whose wrong size is not the smallest",
            "RS-Net Table 1",
            _fewer(setting, "parallel", "I", [pair for pair in pairs if pair[1] != smallest]),
        ),
        Claim(
            "Parallel training: more images are right at a larger size and wrong at the smallest",
            "RS-Net Table 1",
            _fewer(setting, "I", "parallel", [pair for pair in pairs if pair[1] == smallest]),
        ),
        Claim(
            "Sizes are complementary: their ensemble is better than the largest alone",
            "RS-Net Section 3.3",
            exceeds(Operand("RS-Net", ensemble=True), setting.at("RS-Net", sizes[0])),
        ),
    )


rsnet_complementarity = Study(
    name="rsnet_complementarity",
    question="Which images does one input size get right and another wrong?",
    source="RS-Net Table 1",
    baseline="parallel",
    presets={
        "quick": quick(_complementary_arms(QUICK), _complementary_claims(QUICK)),
        "paper": paper(_complementary_arms(PAPER), _complementary_claims(PAPER)),
    },
    published=printed.RESNET + printed.TABLE_1,
)


def _new_sizes_arms(setting: Setting) -> tuple[Arm, ...]:
    switchable = setting.switchable()
    resolutions = switchable.architecture.resolutions
    between = resolutions.between if resolutions else ()
    return (*setting.individuals(tested=(*setting.sizes, *between)), switchable)


def _new_sizes_claims(setting: Setting) -> tuple[Claim, ...]:
    sizes = setting.sizes
    middles = [(large + small) // 2 for large, small in zip(sizes, sizes[1:], strict=False)]
    return (
        Claim(
            "At sizes that nobody was trained at, RS-Net is better than every individual network",
            "RS-Net Section 4.3, Figure 4",
            tuple(
                better(Operand("RS-Net", middle), setting.at(f"I-{size}", middle))
                for middle in middles
                for size in sizes
            ),
        ),
        Claim(
            "RS-Net keeps its accuracy there: a new size is better than the next smaller one",
            "RS-Net Section 4.3, Figure 4",
            tuple(
                better(Operand("RS-Net", middle), Operand("RS-Net", smaller))
                for middle, smaller in zip(middles, sizes[1:], strict=True)
            ),
        ),
        Claim(
            "Every individual network drops at the other sizes, below the network of that size",
            "RS-Net Section 4.3, Figure 4",
            tuple(
                better(setting.own(size), setting.at(f"I-{other}", size))
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
        "quick": quick(_new_sizes_arms(QUICK), _new_sizes_claims(QUICK)),
        "paper": paper(_new_sizes_arms(PAPER), _new_sizes_claims(PAPER)),
    },
    published=tuple(figure for figure in printed.RESNET if figure.arm != "parallel"),
)
