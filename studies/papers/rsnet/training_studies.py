"""The ablations of how RS-Net is trained: Tables 5 and 6, Figures 4 (left) and 5."""

from dataclasses import replace

from searchspace import Resolutions
from searchspace.resolutions import Distillation
from studies.papers.printed import published
from studies.papers.rsnet.protocol import (
    MOBILENET_RECIPE,
    PAPER,
    PAPER_MOBILENET,
    RESNET_RECIPE,
    SwitchableNetwork,
    at_all_sizes,
    compare,
    paper_design,
    quick_designs,
)
from studies.papers.rsnet.tables import (
    INDIVIDUAL,
    MOBILENET,
    PAIR,
    PARALLEL,
    SHARED_NORMS,
    TABLE_5,
    TABLE_6,
    crops_name,
)
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


def _distillation_arms(network: SwitchableNetwork) -> tuple[Arm, ...]:
    return tuple(network.switchable(name, kind) for name, kind in DISTILLATIONS.items())


def _distillation_claims(network: SwitchableNetwork) -> tuple[Claim, ...]:
    source = "RS-Net Table 5"
    rest = ("only from larger sizes", "only from the largest size")
    return (
        Claim(
            "Full distillation is better than vanilla at every size",
            source,
            at_all_sizes(network, "full", "vanilla"),
        ),
        Claim(
            "Full distillation is better than without the ensemble at every size",
            source,
            tuple(c for name in rest for c in at_all_sizes(network, "full", name)),
        ),
        Claim(
            "The ensemble alone teaches better than larger sizes alone at every size",
            source,
            tuple(c for name in rest for c in at_all_sizes(network, "vanilla", name)),
        ),
        Claim(
            "Full distillation is better than none at every size",
            "RS-Net Table 2",
            at_all_sizes(network, "full", "parallel"),
        ),
    )


rsnet_distillation = Study(
    name="rsnet_distillation",
    question="Which predictions should teach which when one network learns several sizes?",
    source="RS-Net Table 5",
    baseline="full",
    presets={
        **quick_designs(lambda net, _: (_distillation_arms(net), _distillation_claims(net))),
        "paper": paper_design(_distillation_arms(PAPER), _distillation_claims(PAPER)),
    },
    published=published(TABLE_5 + PARALLEL),
)


def _crops_arms(network: SwitchableNetwork, recipe: Recipe) -> tuple[Arm, ...]:
    """One crop at all sizes, a crop for each, several crops of one size, one crop of one size."""
    sizes = network.sizes
    several = replace(recipe, crops="multi")
    return (
        network.switchable(),
        network.arm("multi-crop", Resolutions(sizes), several),
        *(network.arm(crops_name(s), Resolutions((s,) * len(sizes)), several) for s in sizes),
        *network.individuals(),
    )


def _crops_claims(network: SwitchableNetwork) -> tuple[Claim, ...]:
    smaller = network.sizes[1:]
    return (
        Claim(
            "One crop for all sizes is better than a crop for each, but at the largest size",
            "RS-Net Section 4.3",
            at_all_sizes(network, "RS-Net", "multi-crop", smaller),
        ),
        Claim(
            "Several sizes are better than several crops of one size, at every size",
            "RS-Net Section 4.3",
            tuple(
                compare(network.at("RS-Net", s), network.at(crops_name(s), s))
                for s in network.sizes
            ),
        ),
        Claim(
            "Several crops of one size are better than one, at every size",
            "RS-Net Table 6",
            tuple(
                compare(network.at(crops_name(s), s), network.individual(s)) for s in network.sizes
            ),
        ),
    )


rsnet_crops = Study(
    name="rsnet_crops",
    question="Is it the sizes or the crops of an image that teach each other?",
    source="RS-Net Table 6",
    baseline="RS-Net",
    presets={
        **quick_designs(lambda net, recipe: (_crops_arms(net, recipe), _crops_claims(net))),
        "paper": paper_design(
            _crops_arms(PAPER, RESNET_RECIPE),
            _crops_claims(PAPER),
            more="One crop of one size is the individual network, whose figures the paper prints.",
        ),
    },
    published=published(TABLE_6),
)


def _norms_arms(network: SwitchableNetwork) -> tuple[Arm, ...]:
    shared = Resolutions(network.sizes, norms="shared", distillation="none")
    return (
        network.arm("shared norms", shared),
        network.parallel(),
        network.switchable(),
        *network.individuals(),
    )


def _norms_claims(network: SwitchableNetwork) -> tuple[Claim, ...]:
    source = "RS-Net Section 4.3, Figure 4"
    largest, *middle, smallest = network.sizes
    centre = middle[len(middle) // 2]
    private, shared = (
        [network.at(name, size) for size in (largest, smallest, centre)]
        for name in ("parallel", "shared norms")
    )
    return (
        Claim(
            "Private norms are better than shared ones at both ends",
            source,
            (compare(private[0], shared[0]), compare(private[1], shared[1])),
        ),
        Claim(
            "Private norms are better than shared ones in the middle",
            source,
            at_all_sizes(network, "parallel", "shared norms", middle),
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
        **quick_designs(lambda net, _: (_norms_arms(net), _norms_claims(net))),
        "paper": paper_design(
            _norms_arms(PAPER_MOBILENET), _norms_claims(PAPER_MOBILENET), MOBILENET_RECIPE
        ),
    },
    published=published(MOBILENET + SHARED_NORMS),
)


def _together(sizes: tuple[int, ...]) -> str:
    return "parallel " + "+".join(map(str, sizes))


def _named_sets(network: SwitchableNetwork) -> dict[str, tuple[int, ...]]:
    """The largest size with each other one, with more and more of them, and all ("parallel")."""
    largest, *smaller = network.sizes
    nested = [network.sizes[:count] for count in range(3, len(network.sizes))]
    sets = [(largest, size) for size in smaller] + nested
    return {_together(sizes): sizes for sizes in sets} | {"parallel": network.sizes}


def _interaction_arms(network: SwitchableNetwork) -> tuple[Arm, ...]:
    parallel = (
        network.arm(name, Resolutions(sizes, distillation="none"))
        for name, sizes in _named_sets(network).items()
    )
    return (*network.individuals(), *parallel)


def _interaction_claims(network: SwitchableNetwork) -> tuple[Claim, ...]:
    source = "RS-Net Section 4.3, Figure 5"
    largest, *smaller = network.sizes
    pair = {size: _together((largest, size)) for size in smaller}
    return (
        Claim(
            "Training together with any one smaller size improves the largest",
            source,
            tuple(
                compare(network.at(pair[s], largest), network.individual(largest)) for s in smaller
            ),
        ),
        Claim(
            "The farther apart two sizes are, the less the smaller one gains from the larger",
            source,
            tuple(
                Comparison(
                    (network.at(pair[near], near), network.individual(far)),
                    (network.at(pair[far], far), network.individual(near)),
                )
                for near, far in zip(smaller, smaller[1:], strict=False)
            ),
        ),
        Claim(
            "Training together with the largest size makes the smallest worse",
            source,
            (compare(network.individual(smaller[-1]), network.at(pair[smaller[-1]], smaller[-1])),),
        ),
        Claim(
            "Of all sizes together, those above the smallest are improved on average",
            source,
            (
                Comparison(
                    tuple(Operand("parallel", size) for size in network.sizes[:-1]),
                    tuple(network.individual(size) for size in network.sizes[:-1]),
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
        **quick_designs(lambda net, _: (_interaction_arms(net), _interaction_claims(net))),
        "paper": paper_design(
            _interaction_arms(PAPER),
            _interaction_claims(PAPER),
            more="Which sets of more than two sizes Figure 5 has is not in its text: these are the "
            "largest three and four, and all.",
        ),
    },
    published=published(INDIVIDUAL + PAIR + PARALLEL),
)
