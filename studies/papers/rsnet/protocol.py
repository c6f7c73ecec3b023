"""What the studies of RS-Net share: sizes, the quick setting and the paper's protocol."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from searchspace import Architecture, Backbone, MobileNetV2, ResNet, ResNetCifar, Resolutions
from searchspace.paper_networks.rsnet import SIZES
from searchspace.resolutions import Distillation
from studies.papers import quick
from studies.spec.ablation import Arm, Design
from studies.spec.claims import Claim, Comparison, Operand
from trainers import RECIPES, ImageNet, Recipe

RESNET_RECIPE, MOBILENET_RECIPE = RECIPES["rsnet_resnet"], RECIPES["rsnet_mobilenet"]
PAPER_NOTE = (
    "The protocol of Section 4.1, which does not state its number of runs: here are 5. As in the "
    "authors' code a crop is resized from the stored image to each size and flipped for each size "
    "by itself. 20,000 training images are set aside for validation, and smaller test images are "
    "made from the 224x224 centre, while the paper resizes the whole image first."
)

QUICK_NETWORK = ResNetCifar(depth=8, width=8, shortcut="B")
QUICK_CROP = (0.4, 1.0)
QUICK_SEEDS = 12
"""On Fashion-MNIST. A pilot of the parallel networks (sd of a difference 1.04 points, 78.7 %,
without decay of scores) told differences of 1.7 points with 8 seeds and ten hypotheses."""
"""The area of random resized crops, as a share of the image."""
QUICK_IN_WORDS = (
    "A ResNet-8 of 8, 16 and 32 channels at {} px, with random resized crops of {:.0%} of the "
    "image and more"
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


PAPER = SwitchableNetwork(ResNet(18), SIZES)
PAPER_MOBILENET = SwitchableNetwork(MobileNetV2(dropout=0.0), SIZES)


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


Parts = tuple[tuple[Arm, ...], tuple[Claim, ...]]


def quick_designs(
    parts: Callable[[SwitchableNetwork, Recipe], Parts], *, prefix: str = "", more: str = ""
) -> dict[str, Design]:
    """A design in each quick setting, from the arms and claims of a network and its recipe.

    `more` is what else there is to say about it.
    """

    def make(setting: quick.Setting) -> Design:
        recipe = replace(setting.recipe, crop_area=QUICK_CROP, crop_to="network", decay_scores=True)
        arms, claims = parts(SwitchableNetwork(QUICK_NETWORK, setting.sizes, prefix), recipe)
        sizes = ", ".join(map(str, setting.sizes))
        design = setting.design(
            arms, claims, QUICK_IN_WORDS.format(sizes, QUICK_CROP[0]), recipe=recipe
        )
        return replace(design, note=f"{design.note} {more}".rstrip())

    return quick.designs(make, seeds=QUICK_SEEDS)


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
