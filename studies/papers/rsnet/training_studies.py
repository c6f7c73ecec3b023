"""The ablations of how RS-Net is trained: Tables 5 and 6, Figures 4 (left) and 5."""

from dataclasses import replace

from searchspace import Resolutions
from searchspace.resolutions import Distillation
from studies.papers.rsnet import tables as printed
from studies.papers.rsnet.protocol import (
    MOBILENET_RECIPE,
    PAPER,
    PAPER_MOBILENET,
    QUICK,
    QUICK_RECIPE,
    RESNET_RECIPE,
    Setting,
    better,
    everywhere,
    paper,
    quick,
)
from studies.papers.rsnet.tables import crops_name
from studies.spec.ablation import Arm, Study
from studies.spec.claims import Claim, Comparison, Operand
from trainers import Recipe

DISTILLATIONS: dict[str, Distillation] = {
    "full": "full",
    "vanilla": "vanilla",
    "only from larger sizes": "higher",
    "only from the largest size": "highest",
    "parallel": "none",
}


def _distillation_arms(setting: Setting) -> tuple[Arm, ...]:
    return tuple(setting.switchable(name, kind) for name, kind in DISTILLATIONS.items())


def _distillation_claims(setting: Setting) -> tuple[Claim, ...]:
    source = "RS-Net Table 5"
    rest = ("only from larger sizes", "only from the largest size")
    return (
        Claim(
            "Full distillation is better than vanilla at every size",
            source,
            everywhere(setting, "full", "vanilla"),
        ),
        Claim(
            "Full distillation is better than without the ensemble at every size",
            source,
            tuple(c for name in rest for c in everywhere(setting, "full", name)),
        ),
        Claim(
            "The ensemble alone teaches better than larger sizes alone at every size",
            source,
            tuple(c for name in rest for c in everywhere(setting, "vanilla", name)),
        ),
        Claim(
            "Full distillation is better than none at every size",
            "RS-Net Table 2",
            everywhere(setting, "full", "parallel"),
        ),
    )


rsnet_distillation = Study(
    name="rsnet_distillation",
    question="Which predictions should teach which when one network learns several sizes?",
    source="RS-Net Table 5",
    baseline="full",
    presets={
        "quick": quick(_distillation_arms(QUICK), _distillation_claims(QUICK)),
        "paper": paper(_distillation_arms(PAPER), _distillation_claims(PAPER)),
    },
    published=printed.TABLE_5,
)


def _crops_arms(setting: Setting, recipe: Recipe) -> tuple[Arm, ...]:
    """One crop at all sizes, a crop for each, several crops of one size, one crop of one size."""
    sizes = setting.sizes
    several = replace(recipe, crops="multi")
    return (
        setting.switchable(),
        setting.arm("multi-crop", Resolutions(sizes), several),
        *(setting.arm(crops_name(s), Resolutions((s,) * len(sizes)), several) for s in sizes),
        *setting.individuals(),
    )


def _crops_claims(setting: Setting) -> tuple[Claim, ...]:
    smaller = setting.sizes[1:]
    return (
        Claim(
            "One crop for all sizes is better than a crop for each, but at the largest size",
            "RS-Net Section 4.3",
            everywhere(setting, "RS-Net", "multi-crop", smaller),
        ),
        Claim(
            "Several sizes are better than several crops of one size, at every size",
            "RS-Net Section 4.3",
            tuple(
                better(setting.at("RS-Net", s), setting.at(crops_name(s), s)) for s in setting.sizes
            ),
        ),
        Claim(
            "Several crops of one size are better than one, at every size",
            "RS-Net Table 6",
            tuple(better(setting.at(crops_name(s), s), setting.own(s)) for s in setting.sizes),
        ),
    )


rsnet_crops = Study(
    name="rsnet_crops",
    question="Is it the sizes or the crops of an image that teach each other?",
    source="RS-Net Table 6",
    baseline="RS-Net",
    presets={
        "quick": quick(_crops_arms(QUICK, QUICK_RECIPE), _crops_claims(QUICK), seeds=5),
        "paper": paper(
            _crops_arms(PAPER, RESNET_RECIPE),
            _crops_claims(PAPER),
            more="One crop of one size is the individual network, whose figures the paper prints.",
        ),
    },
    published=printed.TABLE_6,
)


def _norms_arms(setting: Setting) -> tuple[Arm, ...]:
    shared = Resolutions(setting.sizes, norms="shared", distillation="none")
    return (
        setting.arm("shared norms", shared),
        setting.parallel(),
        setting.switchable(),
        *setting.individuals(),
    )


def _norms_claims(setting: Setting) -> tuple[Claim, ...]:
    source = "RS-Net Section 4.3, Figure 4"
    largest, *middle, smallest = setting.sizes
    centre = middle[len(middle) // 2]
    private, shared = (
        [setting.at(name, size) for size in (largest, smallest, centre)]
        for name in ("parallel", "shared norms")
    )
    return (
        Claim(
            "Private norms are better than shared ones at both ends",
            source,
            (better(private[0], shared[0]), better(private[1], shared[1])),
        ),
        Claim(
            "Private norms are better than shared ones in the middle",
            source,
            everywhere(setting, "parallel", "shared norms", middle),
        ),
        Claim(
            "Private norms gain more at the ends, on average, than in the middle",
            source,
            (
                Comparison(
                    (*private[:2], shared[2], shared[2]),
                    (*shared[:2], private[2], private[2]),
                ),
            ),
        ),
    )


rsnet_norms = Study(
    name="rsnet_norms",
    question="Does each input size need batch norms of its own?",
    source="RS-Net Figure 4, left",
    baseline="shared norms",
    presets={
        "quick": quick(_norms_arms(QUICK), _norms_claims(QUICK)),
        "paper": paper(
            _norms_arms(PAPER_MOBILENET), _norms_claims(PAPER_MOBILENET), MOBILENET_RECIPE
        ),
    },
    published=printed.FIGURE_4_LEFT,
)


def _together(sizes: tuple[int, ...]) -> str:
    return "parallel " + "+".join(map(str, sizes))


def _named_sets(setting: Setting) -> dict[str, tuple[int, ...]]:
    """The largest size with each other one, with more and more of them, and all ("parallel")."""
    largest, *smaller = setting.sizes
    nested = [setting.sizes[:count] for count in range(3, len(setting.sizes))]
    sets = [(largest, size) for size in smaller] + nested
    return {_together(sizes): sizes for sizes in sets} | {"parallel": setting.sizes}


def _interaction_arms(setting: Setting) -> tuple[Arm, ...]:
    parallel = (
        setting.arm(name, Resolutions(sizes, distillation="none"))
        for name, sizes in _named_sets(setting).items()
    )
    return (*setting.individuals(), *parallel)


def _interaction_claims(setting: Setting) -> tuple[Claim, ...]:
    source = "RS-Net Section 4.3, Figure 5"
    largest, *smaller = setting.sizes
    pair = {size: _together((largest, size)) for size in smaller}
    return (
        Claim(
            "Training together with any one smaller size improves the largest",
            source,
            tuple(better(setting.at(pair[s], largest), setting.own(largest)) for s in smaller),
        ),
        Claim(
            "The farther apart two sizes are, the less the smaller one gains from the larger",
            source,
            tuple(
                Comparison(
                    (setting.at(pair[near], near), setting.own(far)),
                    (setting.at(pair[far], far), setting.own(near)),
                )
                for near, far in zip(smaller, smaller[1:], strict=False)
            ),
        ),
        Claim(
            "Training together with the largest size makes the smallest worse",
            source,
            (better(setting.own(smaller[-1]), setting.at(pair[smaller[-1]], smaller[-1])),),
        ),
        Claim(
            "Of all sizes together, those above the smallest are improved on average",
            source,
            (
                Comparison(
                    tuple(Operand("parallel", size) for size in setting.sizes[:-1]),
                    tuple(setting.own(size) for size in setting.sizes[:-1]),
                ),
            ),
        ),
    )


rsnet_interaction = Study(
    name="rsnet_interaction",
    question="How do input sizes change each other when one network learns them together?",
    source="RS-Net Figure 5",
    baseline="parallel",
    presets={
        "quick": quick(_interaction_arms(QUICK), _interaction_claims(QUICK)),
        "paper": paper(
            _interaction_arms(PAPER),
            _interaction_claims(PAPER),
            more="Which sets of more than two sizes Figure 5 has is not in its text: these are the "
            "largest three and four, and all.",
        ),
    },
    published=printed.FIGURE_5,
)
