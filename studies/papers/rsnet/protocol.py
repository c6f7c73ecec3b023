"""What the studies of RS-Net share: sizes, the quick setting and the paper's protocol."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from searchspace import Architecture, Backbone, MobileNetV2, ResNet, ResNetCifar, Resolutions
from searchspace.paper_networks.rsnet import SIZES
from searchspace.resolutions import Distillation
from studies.spec.ablation import Arm, Design
from studies.spec.claims import Claim, Comparison, Operand
from trainers import RECIPES, ImageNet, Recipe, Synthetic

RESNET_RECIPE, MOBILENET_RECIPE = RECIPES["rsnet_resnet"], RECIPES["rsnet_mobilenet"]
PAPER_NOTE = (
    "The protocol of Section 4.1, which does not state its number of runs: here are 5. 20,000 "
    "training images are set aside for validation, and smaller test images are made from the "
    "224x224 centre, while the paper resizes the whole image first."
)

# One quick setting for all of RS-Net, fixed by parallel training of ResNet-8 alone: its validation
# accuracies (%) at 16, 12 and 8 px with seeds 1000 and 1001, 6 epochs, difficulty 0.5:
#   1,500 images, no crop: 98.2 97.0 81.8, 97.0 94.5 69.3, in 8 to 10 s
#   1,000 images, crops of images padded by 1 (this one): 88.1 87.4 61.9, 83.2 77.8 50.8, in 5 s
# which is 79 and 71 on average over the sizes.
QUICK_SIZES = (16, 12, 8)
QUICK_TASK = Synthetic(train_size=1000, difficulty=0.5)
QUICK_RECIPE = Recipe(epochs=6, batch_size=32, lr=0.1, nesterov=True, crop_padding=1)
QUICK_NOTE = (
    "A ResNet-8 of 8, 16 and 32 channels at 16, 12 and 8 px, 6 epochs of 1,000 synthetic images, "
    "whose classes are the size of one pattern and the place of another: another task and a "
    "smaller network and budget than the paper's. Crops are shifts of one pixel: a random-size "
    "crop would change the class, so the paper's train-test discrepancy is not at work."
)


def alone(size: int, tested: Iterable[int] = ()) -> Resolutions:
    """An individual network of one size, also measured at the others that are named."""
    return Resolutions((size,), distillation="none", tested=tuple(tested))


@dataclass(frozen=True)
class SwitchableNetwork:
    """A network and the sizes, largest first, that it is trained at, with the names of its arms."""

    backbone: Backbone
    sizes: tuple[int, ...]
    prefix: str = ""
    recipe: Recipe | None = None

    def arm(self, name: str, resolutions: Resolutions, recipe: Recipe | None = None) -> Arm:
        """The network with these resolutions."""
        architecture = Architecture(self.backbone, {}, resolutions)
        return Arm(self.prefix + name, architecture, recipe or self.recipe)

    def individuals(self, tested: Iterable[int] = (), of: Sequence[int] = ()) -> tuple[Arm, ...]:
        """A network for each size, or for those `of` them, each also measured at `tested`."""
        return tuple(self.arm(f"I-{s}", alone(s, tested)) for s in of or self.sizes)

    def parallel(self) -> Arm:
        """All sizes in one network, private norms, no distillation."""
        return self.arm("parallel", Resolutions(self.sizes, distillation="none"))

    def switchable(self, name: str = "RS-Net", distillation: Distillation = "full") -> Arm:
        """All sizes in one network, with distillation."""
        return self.arm(name, Resolutions(self.sizes, distillation=distillation))

    def at(self, name: str, size: int) -> Operand:
        """An arm at one of the sizes."""
        return Operand(self.prefix + name, size)

    def individual(self, size: int) -> Operand:
        """The individual network at its own size."""
        return self.at(f"I-{size}", size)


QUICK = SwitchableNetwork(ResNetCifar(depth=8, width=8, shortcut="B"), QUICK_SIZES)
PAPER = SwitchableNetwork(ResNet(18), SIZES)
PAPER_MOBILENET = SwitchableNetwork(MobileNetV2(), SIZES)


def compare(above: Operand, below: Operand) -> Comparison:
    """One operand exceeds another."""
    return Comparison((above,), (below,))


def at_all_sizes(
    network: SwitchableNetwork, higher: str, lower: str, sizes: Sequence[int] = ()
) -> tuple[Comparison, ...]:
    """One arm above another at all sizes, or at those named; "I" is the size's own network."""
    return tuple(
        compare(_operand(network, higher, size), _operand(network, lower, size))
        for size in sizes or network.sizes
    )


def _operand(network: SwitchableNetwork, name: str, size: int) -> Operand:
    return network.individual(size) if name == "I" else network.at(name, size)


def quick_design(
    arms: tuple[Arm, ...], claims: tuple[Claim, ...], *, seeds: int = 8, more: str = ""
) -> Design:
    """The quick setting; `more` is what else there is to say about it."""
    note = f"{QUICK_NOTE} {more}".rstrip()
    return Design(arms, (QUICK_TASK,), QUICK_RECIPE, seeds, note, claims=claims)


def paper_design(
    arms: tuple[Arm, ...],
    claims: tuple[Claim, ...],
    recipe: Recipe = RESNET_RECIPE,
    more: str = "",
) -> Design:
    """The paper's protocol on ImageNet."""
    note = f"{PAPER_NOTE} {more}".rstrip()
    return Design(
        arms, (ImageNet(),), recipe, seeds=5, note=note, is_paper_protocol=True, claims=claims
    )
