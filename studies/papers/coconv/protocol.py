"""What the studies of CoConv on small images share: networks, the quick and the paper's protocol.

Arms without a network in their name are the paper's ResNet18, and a small ResNet in quick designs.
"""

from searchspace.paper_networks.coconv import SMALL_IMAGES, placed
from studies.papers import quick
from studies.papers.coconv.tables import NETWORKS
from studies.papers.grid import Operators, grid
from studies.spec.ablation import Design
from studies.spec.claims import Claim
from trainers import RECIPES, Cifar100, TinyImageNet

ALEXNET, RESNET, MOBILENET = NETWORKS.values()
PAPER_NOTE = (
    "The protocol of Section 5.1, with the crops and networks of the authors' code: AlexNet's five "
    "convolutions with norms and no biases, ResNet18's sixteen (shortcuts stay static), "
    "MobileNetV2's seventeen depthwise ones, with ReLU, no dropout and 1x1 shortcuts. The printed "
    "accuracies are those of the best test epoch; ours are of the last. The paper does not state "
    "its number of runs: ours are five."
)
NAMES = {RESNET: "resnet18", ALEXNET: "alexnet", MOBILENET: "mobilenetv2"}


def paper_design(
    operators: Operators, task: Cifar100 | TinyImageNet, claims: tuple[Claim, ...]
) -> Design:
    """Every operator in the three networks, with the paper's protocol."""
    images = "cifar100" if isinstance(task, Cifar100) else "tiny"
    backbones = next(dict(entries) for name, _, entries in SMALL_IMAGES if name == images)
    arms = (
        arm
        for network, name in NAMES.items()
        for arm in grid(
            {network: backbones[name]},
            {operator: placed(choices, name) for operator, choices in operators.items()},
        )
    )
    return Design(
        arms=tuple(arms),
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
