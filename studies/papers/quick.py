"""The setting that quick designs share; docs/studies.md has the rule by which it was chosen."""

from collections.abc import Iterable

from searchspace import ResNetCifar
from studies.spec.ablation import Arm, Design
from studies.spec.claims import Claim
from trainers import Recipe, Synthetic

# Pilots of the static network, validation accuracy on seeds 1000, 1001 and 1002, 3.5 s a job:
# 88.2, 87.8 and 83.2 %. Difficulty 1.0 had 82.0, 81.2 and 73.5 %, 0.75, 0.25 and 1.5
# (seed 1000) 95.3, 100 and 21.4 %; half the width at 0.25, 0.75 and 1.0 had 99.5, 86.3 and 48.5 %.
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
    """Arms in `NETWORK` on `TASK`."""
    return Design(tuple(arms), (TASK,), RECIPE, seeds=SEEDS, note=NOTE, claims=claims)
