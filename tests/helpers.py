"""Small jobs and plans for tests."""

from searchspace import Architecture, CoConv, ResNetCifar
from studies import Arm, Design, Published, Study
from trainers import Digits, Job, Recipe, Task

SMALL = ResNetCifar(depth=8, width=2)
STATIC = Architecture(SMALL)
EXPERTS = Architecture(SMALL, {"*": CoConv(experts=2)})
TASK = Digits(noise=0.5, train_size=60)
RECIPE = Recipe(epochs=2, batch_size=20, lr=0.05, crop_padding=1, flip=True)


def job(
    seed: int = 0,
    architecture: Architecture = STATIC,
    recipe: Recipe = RECIPE,
    task: Task = TASK,
) -> Job:
    return Job(architecture, task, recipe, seed)


def study(seeds: int = 2, recipe: Recipe = RECIPE) -> Study:
    design = Design(
        arms=(Arm("static", STATIC), Arm("coconv", EXPERTS)),
        tasks=(TASK,),
        recipe=recipe,
        seeds=seeds,
        note="Tiny networks.",
    )
    figures = (Published("cifar100", "static", 71.87, "CoConv Table 1"),)
    return Study("tiny", "Does it run?", "CoConv Table 4", "static", {"quick": design}, figures)
