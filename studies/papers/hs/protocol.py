"""What the studies of HS-ResNet share: blocks, the quick setting and the paper's protocol."""

from searchspace import ResNet
from studies.papers import quick
from studies.spec.ablation import Arm, Design
from studies.spec.claims import Claim
from trainers import ImageNet, Recipe

SMALL = ResNet(26, width=8, stem="small", shortcut="D")
SMALL_SETTINGS = ((2, 8), (3, 7), (4, 6), (5, 5))
"""The paper's widths for a network an eighth as wide, in whole channels."""

IN_WORDS = (
    "ResNet26-D (half of ResNet50-D's blocks) an eighth as wide without the strides of its stem, "
    "with HS in the second blocks of stages 1 and 2 and widths of splits an eighth of the paper's"
)
PAPER_NOTE = (
    "The protocol of Section 4. The text states neither the rate, the strengths of augmentation "
    "nor its number of runs: ours are 0.1, the usual strengths and three. Nor does it name the "
    "blocks with HS: ours are those of stages 1 and 2 that keep the shape of their input, with "
    "27.1M parameters in 28w-6s (printed: 27.0M) and 26.5M to 28.0M in Table 4, which says equal."
)


def paper_design(
    arms: tuple[Arm, ...], recipe: Recipe, *claims: Claim, latency: bool = False
) -> Design:
    """Arms on ImageNet with the paper's protocol."""
    return Design(
        arms,
        (ImageNet(),),
        recipe,
        seeds=3,
        note=PAPER_NOTE,
        is_paper_protocol=True,
        claims=claims,
        latency=latency,
    )


def quick_designs(arms: tuple[Arm, ...], *claims: Claim) -> dict[str, Design]:
    """Arms in each quick setting, with the latency of each."""
    return quick.designs(
        lambda setting: setting.design(arms, claims, IN_WORDS, latency=True, tune=quick.RATES)
    )
