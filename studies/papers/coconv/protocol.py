"""What the studies of CoConv on small images share: networks, the quick and the paper's protocol.

Arms without a network in their name are the paper's ResNet18, and a small ResNet in quick designs.
"""

from searchspace import AlexNet, Backbone, MobileNetV2, ResNet
from studies.papers import quick
from studies.papers.coconv.tables import NETWORKS
from studies.papers.grid import Operators, grid
from studies.spec.ablation import Design
from studies.spec.claims import Claim
from trainers import RECIPES, Cifar100, TinyImageNet

ALEXNET, RESNET, MOBILENET = NETWORKS.values()
PAPER_NOTE = (
    "The protocol of Section 5.1. The paper does not state AlexNet's layers, the stems, its number "
    "of runs or how it chose the epoch: ours are AlexNet's five convolutions with small pools, "
    "stems of stride 1 where there is one, five seeds and the last epoch."
)


def _backbones(alexnet: AlexNet) -> dict[str, Backbone]:
    return {
        RESNET: ResNet(depth=18, stem="small"),
        ALEXNET: alexnet,
        MOBILENET: MobileNetV2(stem="small"),
    }


CIFAR = _backbones(AlexNet("cifar"))
TINY = _backbones(AlexNet("tiny"))


def paper_design(
    operators: Operators, task: Cifar100 | TinyImageNet, claims: tuple[Claim, ...]
) -> Design:
    """Every operator in the three networks, with the paper's protocol."""
    return Design(
        arms=grid(CIFAR if isinstance(task, Cifar100) else TINY, operators),
        tasks=(task,),
        recipe=RECIPES["coconv_small_images"],
        seeds=5,
        note=PAPER_NOTE,
        is_paper_protocol=True,
        claims=claims,
    )


def quick_designs(operators: Operators, *claims: Claim) -> dict[str, Design]:
    """Every operator in the small ResNet of all quick designs."""
    return quick.plain_designs(grid({RESNET: quick.NETWORK}, operators), *claims)


def designs(
    operators: Operators, claims: tuple[Claim, ...], quick_claim: Claim
) -> dict[str, Design]:
    """CIFAR-100 as `paper`, Tiny-ImageNet as `paper_tiny`, and quick ones with their own claim."""
    return {
        **quick_designs(operators, quick_claim),
        "paper": paper_design(operators, Cifar100(), claims),
        "paper_tiny": paper_design(operators, TinyImageNet(), claims),
    }
