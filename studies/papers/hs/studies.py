"""The ablations of HS-ResNet (hierarchical-split blocks in ResNet50-D): Tables 1 and 4."""

from dataclasses import replace

from searchspace import Architecture, Choice, Res2Net, ResNet
from searchspace.paper_networks.hs import (
    RES2NET,
    RESNET50D,
    RESNEXT50D,
    SE,
    SE_RESNEXT50D,
    SETTINGS,
    split_blocks,
)
from studies.papers.hs.protocol import (
    SMALL,
    SMALL_SETTINGS,
    paper_design,
    quick_designs,
)
from studies.papers.hs.tables import TABLE_1, TABLE_4
from studies.papers.printed import published
from studies.spec.ablation import Arm, Study
from studies.spec.claims import Claim, exceeds
from trainers import RECIPES


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

hs_width_splits = Study(
    name="hs_width_splits",
    question="Should HS blocks have many narrow or few wide splits?",
    source="HS Table 4",
    baseline="resnet50-d",
    presets={
        **quick_designs(_widths(SMALL, SMALL_SETTINGS), MORE_SPLITS),
        # Six splits have the accuracy of Table 1's 300 epochs, so the table is of that recipe.
        "paper": paper_design(
            _widths(RESNET50D, SETTINGS), RECIPES["hs_300"], MORE_SPLITS, latency=True
        ),
    },
    published=published(TABLE_4),
)


def _networks(
    resnet: ResNet,
    resnext: ResNet,
    *,
    se_resnext: ResNet,
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
        Arm("se-resnext50-d", Architecture(se_resnext, se)),
        Arm("hs-resnet50", Architecture(resnet, hs)),
    )


LARGE_NETWORKS = _networks(
    RESNET50D,
    RESNEXT50D,
    se_resnext=SE_RESNEXT50D,
    se=SE,
    res2net=RES2NET,
    hs=split_blocks(28, 6),
)
# Four groups of four channels in the first stage, where the paper has 32 of four.
SMALL_RESNEXT = replace(SMALL, groups=4, group_width=32)
SMALL_NETWORKS = _networks(
    SMALL,
    SMALL_RESNEXT,
    se_resnext=SMALL_RESNEXT,
    se=SE,
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

hs_vs_resnet = Study(
    name="hs_vs_resnet",
    question="Are hierarchical splits better than what else is put into ResNet50?",
    source="HS Table 1",
    baseline="resnet50-d",
    presets={
        **quick_designs(SMALL_NETWORKS, *BETTER_THAN_OTHERS),
        "paper": paper_design(LARGE_NETWORKS, RECIPES["hs"], *BETTER_THAN_OTHERS, latency=True),
    },
    published=published(TABLE_1),
)

STUDIES = (hs_width_splits, hs_vs_resnet)
