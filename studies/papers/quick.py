"""Tasks, network and recipes that quick designs of all papers share.

docs/studies.md says how they were chosen.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from searchspace import ResNetCifar
from studies.spec.ablation import Arm, Design
from studies.spec.claims import Claim
from studies.spec.pilot import Pilot
from studies.spec.tuning import Tuning, grid
from trainers import Digits, Recipe, Task, Torchvision


@dataclass(frozen=True)
class Setting:
    """A task, its recipe and number of seeds; `sizes`, in pixels, are those of RS-Net.

    Networks less than `margin` points apart count as equivalent. `images` says in words what is
    trained on. `pilot` is that of `NETWORK`.
    """

    task: Task
    recipe: Recipe
    seeds: int
    sizes: tuple[int, int, int]
    margin: float
    images: str
    pilot: Pilot | None = None

    def design(
        self,
        arms: Iterable[Arm],
        claims: Iterable[Claim],
        networks: str,
        *,
        recipe: Recipe | None = None,
        latency: bool = False,
        tune: Tuning | None = None,
        pilot: Pilot | None = None,
    ) -> Design:
        """The arms on this task; `networks` says in words what they are forms of."""
        recipe = recipe or self.recipe
        note = (
            f"{networks}, {recipe.epochs} epochs of {self.images}: another task, smaller networks "
            "and a smaller budget than the paper's, chosen by the validation accuracy of the "
            "plain network alone."
        )
        return Design(
            tuple(arms),
            (self.task,),
            recipe,
            seeds=self.seeds,
            note=note,
            claims=tuple(claims),
            latency=latency,
            tune=tune,
            margin=self.margin,
            pilot=pilot,
        )


RATES = Tuning(grid(lr=[0.05, 0.2]), untuned=True)
"""Half and twice the rate of a setting's recipe, for operators that may want another."""

SETTINGS = {
    # Validation accuracy (%) of the static network in pilots, seeds 1000 to 1005: mean and sd.
    #   batches of 32, 12 epochs of 2,000 images: 84.5, 0.28 (chosen); 10 of 3,000: 85.3, 0.42
    #   batches of 64, 15 epochs of 2,000 images: 84.2, 0.70; of 4,000 (four seeds): 86.0, 0.34
    "quick": Setting(
        Torchvision("FashionMNIST", size=14, train_size=2000, validation=2000),
        Recipe(epochs=12, batch_size=32, lr=0.1, nesterov=True),
        seeds=8,
        sizes=(14, 10, 7),
        margin=0.5,
        images="2,000 images of Fashion-MNIST at 14x14 pixels",
        pilot=Pilot(sd=0.77, pairs=8, accuracy=85.1),
    ),
    # Seeds 1000 to 1007: batches of 32, 30 epochs: 94.0, 0.76 (chosen); batches of 64, 20 epochs:
    # 92.6, 0.89; noise 1.0, rate 0.05: 90.3, 0.97.
    "digits": Setting(
        Digits(noise=0.8),
        Recipe(epochs=30, batch_size=32, lr=0.1, nesterov=True),
        seeds=10,
        sizes=(8, 6, 4),
        margin=1.0,
        images="897 noisy 8x8 digits",
        pilot=Pilot(sd=1.13, pairs=8, accuracy=94.1),
    ),
}
"""By preset: Fashion-MNIST, and scikit-learn's digits, which are always at hand."""

NETWORK = ResNetCifar(depth=8, width=8)
NETWORK_IN_WORDS = "A ResNet of one block per stage with 8, 16 and 32 channels"


def designs(
    make: Callable[[Setting], Design], *, pilot: Pilot | None = None, seeds: int | None = None
) -> dict[str, Design]:
    """A design for each setting, by preset; `pilot` and `seeds` are those on Fashion-MNIST."""
    made = {preset: make(setting) for preset, setting in SETTINGS.items()}
    quick = made["quick"]
    made["quick"] = replace(quick, pilot=pilot or quick.pilot, seeds=seeds or quick.seeds)
    return made


def plain_designs(
    arms: Iterable[Arm], *claims: Claim, tune: Tuning | None = None
) -> dict[str, Design]:
    """The arms, which are forms of `NETWORK`, in each setting."""
    arms = tuple(arms)
    return designs(
        lambda setting: setting.design(
            arms, claims, NETWORK_IN_WORDS, tune=tune, pilot=setting.pilot
        )
    )
