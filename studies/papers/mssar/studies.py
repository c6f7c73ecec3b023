"""The ablations of MS-SAR (multi-scale spatially-asymmetric recalibration) as studies."""

from dataclasses import replace

from searchspace import Backbone, MultiScaleRecalibration
from searchspace.operators.mssar import REDUCTIONS
from studies.papers.mssar.network_studies import mssar_cost, mssar_vs_baseline, mssar_vs_se
from studies.papers.mssar.protocol import (
    CIFAR_TASKS,
    DENSE_RECIPE,
    DENSENET_PILOT,
    DENSENETS,
    MSSAR,
    MULTI_STAGE,
    QUICK_DENSENETS,
    QUICK_RESNETS,
    RESNETS,
    arms_of,
    dense,
    paper_design,
    quick_designs,
)
from studies.papers.mssar.tables import (
    PLAIN,
    REGIONAL,
    SLIDING,
    SOURCE,
    SUBSETS,
    TABLE_3,
    scales_name,
)
from studies.papers.printed import published
from studies.spec.ablation import Arm, Study
from studies.spec.claims import Claim, Comparison, Operand, exceeds
from trainers import Recipe

Settings = dict[str, MultiScaleRecalibration | None]

NETWORKS = "A ResNet-8 of 8, 16 and 32 channels and a DenseNet-10 with growth 8"


def _both(
    resnet: Backbone, densenet: Backbone, settings: Settings, recipe: Recipe | None = None
) -> tuple[Arm, ...]:
    """A ResNet with each setting, and a DenseNet, which has a recipe of its own, with the same."""
    dense_settings = {title: dense(choice) for title, choice in settings.items()}
    return (
        *arms_of("ResNet", resnet, dict(settings)),
        *arms_of("DenseNet", densenet, dict(dense_settings), recipe),
    )


def _quick(settings: Settings) -> tuple[Arm, ...]:
    return _both(QUICK_RESNETS[0], QUICK_DENSENETS[0], settings)


def _paper(settings: Settings) -> tuple[Arm, ...]:
    return _both(RESNETS[2], DENSENETS[0], settings, DENSE_RECIPE)


SCALES: Settings = {scales_name(s): replace(MSSAR, scales=s) if s else None for s in SUBSETS}


def _scales_claims(name: str) -> tuple[Claim, ...]:
    arms = {scales: f"{name} {scales_name(scales)}" for scales in SUBSETS}
    plain, *single, everything = (arms[s] for s in ((), (1,), (2,), (4,), (1, 2, 4)))
    several = [arms[s] for s in SUBSETS if len(s) > 1]
    return (
        Claim(
            f"{name}: all scales together are best",
            "MS-SAR Section 4.2",
            exceeds(everything, *(arm for arm in arms.values() if arm != everything)),
        ),
        Claim(
            f"{name}: several scales are better than one, on average over the subsets",
            "MS-SAR Section 4.2",
            (Comparison(tuple(map(Operand, several)), tuple(map(Operand, single))),),
        ),
        Claim(
            f"{name}: recalibration at any one scale is better than none",
            "MS-SAR Table 3",
            tuple(c for arm in single for c in exceeds(arm, plain)),
        ),
        Claim(
            f"{name}: one spatially asymmetric scale, {{2}} or {{4}}, is better than {{1}}",
            "MS-SAR Table 3",
            tuple(c for arm in single[1:] for c in exceeds(arm, single[0])),
        ),
    )


SCALES_CLAIMS = _scales_claims("ResNet") + _scales_claims("DenseNet")

mssar_scales = Study(
    name="mssar_scales",
    question="At which scales should a recalibration look around?",
    source="MS-SAR Table 3",
    baseline=f"ResNet {PLAIN}",
    presets={
        **quick_designs(_quick(SCALES), NETWORKS, SCALES_CLAIMS),
        "paper": paper_design(_paper(SCALES), SCALES_CLAIMS),
    },
    published=published(TABLE_3),
)

POOLINGS: Settings = {
    PLAIN: None,
    "regional": MSSAR,
    "sliding": replace(MSSAR, pooling="sliding"),
}
POOLING_CLAIMS = tuple(
    Claim(
        f"{name}: pooling over regions is better than over sliding windows",
        "MS-SAR Section 4.2",
        exceeds(f"{name} regional", f"{name} sliding"),
    )
    for name in ("ResNet", "DenseNet")
)

mssar_pooling = Study(
    name="mssar_pooling",
    question="Should each position have a surrounding of its own, or share it with its region?",
    source="MS-SAR Section 4.2",
    baseline=f"ResNet {PLAIN}",
    presets={
        **quick_designs(_quick(POOLINGS), NETWORKS, POOLING_CLAIMS),
        "paper": paper_design(_paper(POOLINGS), POOLING_CLAIMS, CIFAR_TASKS[1:]),
    },
    published=published(REGIONAL + SLIDING),
)


def _sources(densenet: Backbone, recipe: Recipe | None = None) -> tuple[Arm, ...]:
    single_stage = replace(MSSAR, reduction=REDUCTIONS["densenet"])
    settings: Settings = {PLAIN: None, "single-stage": single_stage, "multi-stage": MULTI_STAGE}
    return arms_of("DenseNet", densenet, dict(settings), recipe)


SOURCE_CLAIMS = (
    Claim(
        "Recalibrating by the main vector (multi-stage) is better than by the new map",
        "MS-SAR Section 4.2",
        exceeds("DenseNet multi-stage", "DenseNet single-stage"),
    ),
    Claim(
        "Recalibrating by the new map is better than not recalibrating",
        "MS-SAR Section 4.2, Table 3",
        exceeds("DenseNet single-stage", f"DenseNet {PLAIN}"),
    ),
)

mssar_source = Study(
    name="mssar_source",
    question="Should a dense layer's new map be recalibrated by itself or by all maps before it?",
    source="MS-SAR Section 4.2",
    baseline=f"DenseNet {PLAIN}",
    presets={
        **quick_designs(
            _sources(QUICK_DENSENETS[1]),
            "A DenseNet-16 with growth 8",
            SOURCE_CLAIMS,
            pilot=DENSENET_PILOT,
        ),
        "paper": paper_design(_sources(DENSENETS[0], DENSE_RECIPE), SOURCE_CLAIMS),
    },
    published=published(SOURCE),
)

STUDIES = (
    mssar_scales,
    mssar_vs_baseline,
    mssar_vs_se,
    mssar_pooling,
    mssar_source,
    mssar_cost,
)
