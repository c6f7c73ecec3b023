"""The studies of MS-SAR over several networks: Tables 2 and 5 and Figure 5."""

from dataclasses import replace

from searchspace import Backbone, DenseNet, ResNet, ResNetCifar, SqueezeExcite
from searchspace.operators.mssar import REDUCTIONS
from studies.papers.mssar.protocol import (
    DENSE_RECIPE,
    DENSENETS,
    MSSAR,
    MULTI_STAGE,
    QUICK_DENSENETS,
    QUICK_RESNETS,
    RESNET_PILOT,
    RESNETS,
    arms_of,
    paper_design,
    quick_designs,
)
from studies.papers.mssar.tables import PLAIN, RECALIBRATED, SE, TABLE_2, TABLE_5
from studies.papers.printed import published
from studies.spec.ablation import Arm, Design, Study
from studies.spec.claims import Claim, Comparison, Operand, exceeds
from trainers import RECIPES, ImageNet, Recipe

RESNET_NAMES = ("ResNet shallow", "ResNet middle", "ResNet deep")
DENSENET_NAMES = ("DenseNet small", "DenseNet large")


def _better(text: str, source: str, names: tuple[str, ...], than: str = PLAIN) -> Claim:
    """MS-SAR above another setting in each of the networks."""
    pairs = [exceeds(f"{name} {RECALIBRATED}", f"{name} {than}") for name in names]
    return Claim(text, source, tuple(c for pair in pairs for c in pair))


def _networks(
    resnets: tuple[ResNetCifar, ...],
    densenets: tuple[DenseNet, ...],
    dense_recipe: Recipe | None = None,
) -> tuple[Arm, ...]:
    """Every network without and with recalibration."""
    arms: list[Arm] = []
    for name, resnet in zip(RESNET_NAMES, resnets, strict=True):
        arms += arms_of(name, resnet, {PLAIN: None, RECALIBRATED: MSSAR})
    for name, densenet in zip(DENSENET_NAMES, densenets, strict=True):
        arms += arms_of(name, densenet, {PLAIN: None, RECALIBRATED: MULTI_STAGE}, dense_recipe)
    return tuple(arms)


ALL_NAMES = RESNET_NAMES + DENSENET_NAMES
BASELINE_CLAIMS = (
    _better("MS-SAR improves ResNets of every depth", "MS-SAR Section 4.1", RESNET_NAMES),
    _better("MS-SAR improves DenseNets of both sizes", "MS-SAR Section 4.1", DENSENET_NAMES),
    Claim(
        "MS-SAR improves the five networks on average",
        "MS-SAR Table 2",
        (
            Comparison(
                tuple(Operand(f"{name} {RECALIBRATED}") for name in ALL_NAMES),
                tuple(Operand(f"{name} {PLAIN}") for name in ALL_NAMES),
            ),
        ),
    ),
)

mssar_vs_baseline = Study(
    name="mssar_vs_baseline",
    question="Does recalibration at several scales help networks of every depth and kind?",
    source="MS-SAR Table 2",
    baseline=f"ResNet shallow {PLAIN}",
    presets={
        **quick_designs(
            _networks(QUICK_RESNETS, QUICK_DENSENETS),
            "ResNets of 8, 14 and 20 layers with 8, 16 and 32 channels and DenseNets of 10 and 16 "
            "layers with growth 8",
            BASELINE_CLAIMS,
            pilot=RESNET_PILOT,
        ),
        "paper": paper_design(_networks(RESNETS, DENSENETS, DENSE_RECIPE), BASELINE_CLAIMS),
    },
    published=published(TABLE_2),
)

LARGE: dict[str, Backbone] = {
    "ResNet shallow": ResNet(18),
    "ResNet deep": ResNet(34),
    "ResNeXt": ResNet(50, groups=32, group_width=4),
}
HU = "SE of Hu et al."


def _against_se(backbones: dict[str, Backbone], *, reduction: int, se: int) -> tuple[Arm, ...]:
    """None, the paper's SE (its own module at scale 1), that of its authors, and MS-SAR."""
    mssar = replace(MSSAR, reduction=reduction)
    return tuple(
        arm
        for name, backbone in backbones.items()
        for arm in arms_of(
            name,
            backbone,
            {
                PLAIN: None,
                SE: replace(mssar, scales=(1,)),
                HU: SqueezeExcite(reduction=se),
                RECALIBRATED: mssar,
            },
        )
    )


def _se_claims(names: tuple[str, ...]) -> tuple[Claim, ...]:
    source = "MS-SAR Section 4.3"
    return (
        _better("MS-SAR is better than no recalibration in every network", source, names),
        _better("MS-SAR is better than SE in every network", source, names, than=SE),
        Claim(
            "SE is better than no recalibration in every network",
            "MS-SAR Table 5",
            tuple(c for name in names for c in exceeds(f"{name} {SE}", f"{name} {PLAIN}")),
        ),
    )


QUICK_SE: dict[str, Backbone] = dict(
    zip(("ResNet shallow", "ResNet deep"), QUICK_RESNETS, strict=False)
)

mssar_vs_se = Study(
    name="mssar_vs_se",
    question="Is recalibration at several scales better than squeeze-and-excitation?",
    source="MS-SAR Table 5",
    baseline=f"ResNet shallow {PLAIN}",
    presets={
        **quick_designs(
            _against_se(QUICK_SE, reduction=MSSAR.reduction, se=MSSAR.reduction),
            "ResNets of 8 and 14 layers with 8, 16 and 32 channels, recalibrated through a third "
            "of the channels (no ResNeXt, too slow here)",
            _se_claims(tuple(QUICK_SE)),
            pilot=RESNET_PILOT,
        ),
        "paper": Design(
            _against_se(LARGE, reduction=REDUCTIONS["imagenet"], se=REDUCTIONS["imagenet"]),
            (ImageNet(),),
            RECIPES["mssar_imagenet"],
            seeds=5,
            note="The protocol of Section 4.3, which does not state its number of runs; 20,000 "
            "training images are set aside for validation. The paper's SE is its own module at "
            "scale 1; the SE of its authors is beside it.",
            is_paper_protocol=True,
            claims=_se_claims(tuple(LARGE)),
        ),
    },
    published=published(TABLE_5),
)

WIDER = "wider"


def _by_cost(resnets: tuple[ResNetCifar, ...]) -> tuple[Arm, ...]:
    """Every network as it is, recalibrated, and with a channel more than its width."""
    arms: list[Arm] = []
    for name, resnet in zip(RESNET_NAMES, resnets, strict=True):
        arms += arms_of(name, resnet, {PLAIN: None, RECALIBRATED: MSSAR})
        arms += arms_of(name, replace(resnet, width=resnet.width + 1), {WIDER: None})
    return tuple(arms)


COST_CLAIMS = (
    _better("MS-SAR is better at the same MACs, within 1 %", "MS-SAR Figure 5", RESNET_NAMES),
    _better(
        "MS-SAR is better than a wider network, which has more MACs",
        "ours, after MS-SAR Figure 5",
        RESNET_NAMES,
        than=WIDER,
    ),
)

# Figure 5 prints no numbers; its points are those of Tables 2 and 5.
mssar_cost = Study(
    name="mssar_cost",
    question="Is recalibration worth its computation, in MACs and in measured time?",
    source="MS-SAR Figure 5",
    baseline=f"ResNet shallow {PLAIN}",
    presets={
        **quick_designs(
            _by_cost(QUICK_RESNETS),
            "ResNets of 8, 14 and 20 layers with 8, 16 and 32 channels, or 9, 18 and 36",
            COST_CLAIMS,
            latency=True,
            pilot=RESNET_PILOT,
        ),
        "paper": replace(paper_design(_by_cost(RESNETS), COST_CLAIMS), latency=True),
    },
    published=published(row for row in TABLE_2 if row.arm.startswith("ResNet")),
)
