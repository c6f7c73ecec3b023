"""Task, network and recipe that quick designs share; docs/studies.md says how they were chosen."""

from collections.abc import Iterable

from searchspace import ResNetCifar
from studies.spec.ablation import Arm, Design
from studies.spec.claims import Claim
from trainers import Recipe, Synthetic

# Validation accuracy (%) of the static network in pilots, 3.5 s a job:
#   seeds 1000 to 1002: 88.2 87.8 83.2 (chosen); 82.0 81.2 73.5 at difficulty 1.0
#   seed 1000: 95.3 at difficulty 0.75, 100 at 0.25, 21.4 at 1.5
#   seed 1000, half the width: 99.5 at difficulty 0.25, 86.3 at 0.75, 48.5 at 1.0
TASK = Synthetic(train_size=1500, difficulty=0.9)
NETWORK = ResNetCifar(depth=8, width=8)
RECIPE = Recipe(epochs=12, batch_size=64, lr=0.1, nesterov=True)
SEEDS = 6

NOTE = (
    "A ResNet of one block per stage with 8, 16 and 32 channels for 12 epochs on 1,500 synthetic "
    "16x16 images of twelve classes: another task, network and recipe than the paper's, chosen by "
    "the validation accuracy of the static network alone."
)


def design(arms: Iterable[Arm], *claims: Claim) -> Design:
    """The arms, which are forms of `NETWORK`, on `TASK`."""
    return Design(tuple(arms), (TASK,), RECIPE, seeds=SEEDS, note=NOTE, claims=claims)
