"""What the studies of HS-ResNet share: blocks, the quick setting and the paper's protocol."""

from searchspace import ResNet
from studies.spec.ablation import Arm, Design
from studies.spec.claims import Claim
from trainers import Digits, ImageNet, Recipe

# Pilots of the small ResNet50-D, validation accuracy on seeds 1000, 1001 and 1002, 5 s a job:
# 82.0, 82.0 and 83.1 %. Rates 0.1 and 0.02 had 25.6 and 77.1 %,
# batches of 128 76.4 %, noise 0.6 for 8 epochs 85.6 % (seed 1000). Not the setting of
# studies/papers/quick.py: 16 blocks of bottlenecks would take 15 s on its 16x16 images.
TASK = Digits(noise=0.8)
SMALL = ResNet(50, width=8, stem="small", shortcut="D")
RECIPE = Recipe(epochs=10, batch_size=64, lr=0.05, nesterov=True)
SMALL_SETTINGS = ((2, 8), (3, 7), (4, 6), (5, 5))
"""The paper's widths for a network an eighth as wide, in whole channels."""

QUICK_NOTE = (
    "ResNet50-D an eighth as wide without the strides of its stem, for 10 epochs on 897 noisy 8x8 "
    "digits, with widths of splits an eighth of the paper's: another task, network and recipe than "
    "the paper's, chosen by the validation accuracy of ResNet50-D alone."
)
PAPER_NOTE = (
    "The protocol of Section 4. The text states neither the rate, the strengths of augmentation "
    "nor its number of runs: ours are 0.1, the usual strengths and three. Widths double from stage "
    "to stage, which gives more parameters than printed; no reading of the text gives as few."
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


def quick_design(arms: tuple[Arm, ...], *claims: Claim) -> Design:
    """Arms on noisy digits, with the latency of each."""
    return Design(arms, (TASK,), RECIPE, seeds=5, note=QUICK_NOTE, claims=claims, latency=True)
