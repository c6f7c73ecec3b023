"""The ablations of HS-ResNet (hierarchical-split blocks in ResNet50-D)."""

from dataclasses import replace

from searchspace import Architecture, Choice, HierarchicalSplit, Res2Net, ResNet, SqueezeExcite
from searchspace.named.hs import RES2NET, RESNET50D, RESNEXT50D, SE, SETTINGS
from studies.spec.ablation import Arm, Design, Published, Study
from studies.spec.claims import Claim, exceeds
from trainers import RECIPES, Digits, ImageNet, Recipe

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


def split_blocks(width: int, splits: int) -> dict[str, Choice]:
    """Hierarchical splits in every bottleneck; `width` is that of the first stage."""
    return {
        f"layer{stage}.*.conv2": HierarchicalSplit(width * 2 ** (stage - 1), splits)
        for stage in (1, 2, 3, 4)
    }


def paper(arms: tuple[Arm, ...], recipe: Recipe, *claims: Claim, latency: bool = False) -> Design:
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


def _quick(arms: tuple[Arm, ...], recipe: Recipe, *claims: Claim, latency: bool = False) -> Design:
    return Design(arms, (TASK,), recipe, seeds=5, note=QUICK_NOTE, claims=claims, latency=latency)


def _widths(backbone: ResNet, settings: tuple[tuple[int, int], ...]) -> tuple[Arm, ...]:
    splits = (Arm(f"{s} splits", Architecture(backbone, split_blocks(w, s))) for w, s in settings)
    return (Arm("resnet50-d", Architecture(backbone)), *splits)


MORE_SPLITS = Claim(
    "More and narrower splits are more accurate: eight, seven, six, five",
    "HS Section 4.5, Table 4",
    exceeds("8 splits", "7 splits")
    + exceeds("7 splits", "6 splits")
    + exceeds("6 splits", "5 splits"),
)

# Splits, accuracy, FLOPs in 1e9 and milliseconds.
TABLE_4 = tuple(
    Published(
        "imagenet",
        f"{splits} splits",
        accuracy,
        "HS Table 4",
        macs=1e9 * flops,
        note=f"FLOPs, about twice the MACs; {time} ms an image on a T4",
    )
    for splits, accuracy, flops, time in (
        (8, 81.43, 11.6, 6.19),
        (7, 81.40, 12.3, 5.90),
        (6, 81.28, 13.1, 5.34),
        (5, 81.11, 15.1, 5.28),
    )
)

hs_width_splits = Study(
    name="hs_width_splits",
    question="Should HS blocks have many narrow or few wide splits?",
    source="HS Table 4",
    baseline="resnet50-d",
    presets={
        "quick": _quick(_widths(SMALL, SMALL_SETTINGS), RECIPE, MORE_SPLITS, latency=True),
        # Six splits have the accuracy of Table 1's 300 epochs, so the table is of that recipe.
        "paper": paper(_widths(RESNET50D, SETTINGS), RECIPES["hs_300"], MORE_SPLITS, latency=True),
    },
    published=TABLE_4,
)


def _networks(
    resnet: ResNet,
    resnext: ResNet,
    *,
    se: dict[str, Choice],
    res2net: dict[str, Choice],
    hs: dict[str, Choice],
) -> tuple[Arm, ...]:
    """The rows of Table 1 that are trained alike; `resnet` and `resnext` are -D forms."""
    plain = replace(resnet, stem="small" if resnet.stem == "small" else "imagenet", shortcut="B")
    return (
        Arm("resnet50", Architecture(plain)),
        Arm("resnet50-d", Architecture(resnet)),
        Arm("se-resnet50-d", Architecture(resnet, se)),
        Arm("res2net50", Architecture(plain, res2net)),
        Arm("resnext50-d", Architecture(resnext)),
        Arm("se-resnext50-d", Architecture(resnext, se)),
        Arm("hs-resnet50", Architecture(resnet, hs)),
    )


LARGE_NETWORKS = _networks(RESNET50D, RESNEXT50D, se=SE, res2net=RES2NET, hs=split_blocks(28, 6))
SMALL_NETWORKS = _networks(
    SMALL,
    # Four groups of four channels in the first stage, where the paper has 32 of four.
    replace(SMALL, groups=4, group_width=32),
    se={"*": SqueezeExcite(bias=False)},
    res2net={f"layer{stage}.*.conv2": Res2Net(2**stage, 8) for stage in (1, 2, 3, 4)},
    hs=split_blocks(4, 6),
)
BETTER_THAN_OTHERS = (
    Claim(
        "HS-ResNet50 is better than ResNet50-D",
        "HS Section 4.1, Table 1",
        exceeds("hs-resnet50", "resnet50-d"),
    ),
    Claim(
        "HS-ResNet50 is better than all networks of similar size trained alike",
        "HS Section 4.1, Table 1",
        exceeds("hs-resnet50", *(arm.name for arm in LARGE_NETWORKS if arm.name != "hs-resnet50")),
    ),
    Claim(
        "Splitting and concatenating is better than Res2Net's sums",
        "HS Section 3.2, Table 1",
        exceeds("hs-resnet50", "res2net50"),
    ),
)

# Accuracy, millions of parameters and milliseconds.
TABLE_1 = tuple(
    Published(
        "imagenet",
        arm,
        accuracy,
        "HS Table 1",
        params=1e6 * params,
        note=f"{time} ms an image on a T4",
    )
    for arm, accuracy, params, time in (
        ("resnet50", 76.50, 25.56, 3.47),
        ("resnet50-d", 79.12, 25.58, 3.53),
        ("se-resnet50-d", 79.52, 28.09, 4.28),
        ("res2net50", 79.46, 25.72, 5.40),
        # Cited only: no design trains it.
        ("resnest50", 81.02, 27.50, 6.69),
        ("resnext50-d", 79.56, 23.66, 11.03),
        ("se-resnext50-d", 80.24, 26.28, 14.76),
        ("hs-resnet50", 80.30, 27.00, 5.34),
    )
)

hs_vs_resnet = Study(
    name="hs_vs_resnet",
    question="Are hierarchical splits better than what else is put into ResNet50?",
    source="HS Table 1",
    baseline="resnet50-d",
    presets={
        "quick": _quick(SMALL_NETWORKS, RECIPE, *BETTER_THAN_OTHERS, latency=True),
        "paper": paper(LARGE_NETWORKS, RECIPES["hs"], *BETTER_THAN_OTHERS, latency=True),
    },
    published=TABLE_1,
)

STUDIES = (hs_width_splits, hs_vs_resnet)
