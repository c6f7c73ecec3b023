"""CoConv against static, recalibrating and other dynamic operators on ImageNet (Table 3)."""

from searchspace import ACNet, CoConv, CondConv, DyConv, GatherExcite, ResNet, SqueezeExcite
from studies.papers import quick
from studies.papers.grid import Settings, everywhere, grid
from studies.spec.ablation import Design, Published, Study
from studies.spec.claims import Claim, exceeds
from trainers import RECIPES, ImageNet

TABLE_3 = "CoConv Table 3"
RIVALS: Settings = {"static": {}} | everywhere(
    {
        "se": SqueezeExcite(),
        "ge": GatherExcite(),
        "acnet": ACNet(norms=False),
        "condconv": CondConv(3),
        "dycnn": DyConv(3, hidden="imagenet"),
        "coconv": CoConv(3, norms=False),
    }
)
PRINTED = {
    "static": (69.635, 1.822, 11.690),
    "se": (71.024, 1.823, 11.779),
    "ge": (70.405, 1.825, 11.753),
    "acnet": (70.779, 1.822, 11.690),
    "condconv": (71.935, 1.822, 11.701),
    "dycnn": (70.613, 1.822, 12.001),
    "coconv": (72.696, 1.824, 12.166),
}
"""Top-1 accuracy in per cent, FLOPs in 1e9 and parameters in 1e6."""

CLAIMS = (
    Claim(
        "CoConv is better than static convolution",
        f"CoConv Section 5.2, {TABLE_3}",
        exceeds("coconv", "static"),
    ),
    Claim(
        "CoConv is better than all its rivals",
        f"CoConv Section 5.2, {TABLE_3}",
        exceeds("coconv", "se", "ge", "acnet", "condconv", "dycnn"),
    ),
)

coconv_imagenet = Study(
    name="coconv_imagenet",
    question="Is CoConv better than SE, GE, ACNet and other dynamic convolutions?",
    source=TABLE_3,
    baseline="static",
    presets={
        "quick": quick.design(grid({"": quick.NETWORK}, RIVALS), *CLAIMS),
        "paper": Design(
            arms=grid({"": ResNet(depth=18)}, RIVALS),
            tasks=(ImageNet(),),
            recipe=RECIPES["coconv_imagenet"],
            seeds=3,
            note="The protocol of Section 5.2, with three experts and without their norms. The "
            "paper states neither weight decay, augmentation nor its number of runs: ours are "
            "1e-4, random resized crops with flips, and three.",
            is_paper_protocol=True,
            claims=CLAIMS,
        ),
    },
    published=tuple(
        Published(
            "imagenet",
            arm,
            accuracy,
            TABLE_3,
            macs=1e9 * flops,
            params=1e6 * params,
            note="FLOPs that count norms, activations and pooling too",
        )
        for arm, (accuracy, flops, params) in PRINTED.items()
    ),
)

STUDIES = (coconv_imagenet,)
