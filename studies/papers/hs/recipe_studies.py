"""The two training strategies of HS-ResNet50, and what each change of the second is worth."""

from dataclasses import replace

from searchspace import Architecture
from searchspace.paper_networks.hs import RESNET50D, split_blocks
from studies.papers import quick
from studies.papers.hs.protocol import paper_design
from studies.papers.hs.tables import TABLE_1
from studies.papers.printed import published
from studies.spec.ablation import Arm, Study
from studies.spec.claims import Claim, Comparison, Operand, exceeds
from studies.spec.pilot import Pilot
from trainers import RECIPES, Recipe


def _strategies(network: Architecture, simple: Recipe, extended: Recipe) -> tuple[Arm, ...]:
    """Both strategies, and the second with one of its changes to the first taken back."""
    recipes = {
        "simple": simple,
        "extended": extended,
        "extended, decay 1e-4": replace(extended, weight_decay=simple.weight_decay),
        "extended, fewer epochs": replace(extended, epochs=simple.epochs),
        "extended, mixup": replace(extended, mixup=simple.mixup, cutmix=simple.cutmix),
        "extended, no RandAugment": replace(extended, rand_augment_operators=0),
        "extended, no erasing": replace(extended, erasing=0.0),
    }
    return tuple(Arm(name, network, recipe) for name, recipe in recipes.items())


SIMPLE, EXTENDED = RECIPES["hs"], RECIPES["hs_300"]
STRATEGIES = ("simple", "extended")
# RandAugment needs 8-bit images, which the digits are not.
QUICK = quick.SETTINGS["quick"]
SMALL_SIMPLE, SMALL_EXTENDED = (
    replace(
        QUICK.recipe,
        epochs=QUICK.recipe.epochs * strategy.epochs // SIMPLE.epochs,
        weight_decay=strategy.weight_decay,
        label_smoothing=strategy.label_smoothing,
        mixup=strategy.mixup,
        cutmix=strategy.cutmix,
        rand_augment_operators=strategy.rand_augment_operators,
        rand_augment_magnitude=strategy.rand_augment_magnitude,
        erasing=strategy.erasing,
    )
    for strategy in (SIMPLE, EXTENDED)
)
STRATEGY_CLAIMS = (
    Claim(
        "The extended strategy is better than the simple one",
        "HS Section 4.1, Table 1",
        exceeds("extended", "simple"),
    ),
    Claim(
        "Of the extended strategy's changes, the smaller weight decay matters most",
        "HS Section 4, Training strategy",
        tuple(
            Comparison((Operand(other),), (Operand("extended, decay 1e-4"),))
            for other in (
                "extended",
                "extended, mixup",
                "extended, no RandAugment",
                "extended, no erasing",
            )
        ),
    ),
)

hs_tricks = Study(
    name="hs_tricks",
    question="What do the two training strategies of HS-ResNet50 differ by?",
    source="HS Table 1",
    baseline="simple",
    presets={
        "quick": QUICK.design(
            _strategies(Architecture(quick.NETWORK), SMALL_SIMPLE, SMALL_EXTENDED),
            STRATEGY_CLAIMS,
            f"The strategies' regularisation, augmentation, weight decay and share of epochs; "
            f"{quick.NETWORK_IN_WORDS[0].lower()}{quick.NETWORK_IN_WORDS[1:]}, without HS blocks",
            recipe=SMALL_SIMPLE,
            pilot=Pilot(sd=0.73, pairs=8, accuracy=84.3),
        ),
        "paper": paper_design(
            _strategies(Architecture(RESNET50D, split_blocks(28, 6)), SIMPLE, EXTENDED),
            SIMPLE,
            *STRATEGY_CLAIMS,
        ),
    },
    published=published(
        replace(row, arm=arm, note="") for row, arm in zip(TABLE_1[-2:], STRATEGIES, strict=True)
    ),
)

STUDIES = (hs_tricks,)
