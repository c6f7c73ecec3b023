"""CoConv against static, recalibrating and other dynamic operators on ImageNet (Table 3)."""

from searchspace import ACNet, CoConv, CondConv, DyConv, GatherExcite, ResNet, SqueezeExcite
from searchspace.paper_networks.coconv import DROPOUT, TEMPERATURE
from studies.papers import quick
from studies.papers.coconv.tables import TABLE_3
from studies.papers.grid import Operators, grid, in_all_slots
from studies.papers.printed import published
from studies.spec.ablation import Design, Study
from studies.spec.claims import Claim, exceeds
from trainers import RECIPES, ImageNet

RIVALS: Operators = {"static": {}} | in_all_slots(
    {
        "se": SqueezeExcite(),
        "ge": GatherExcite(),
        "acnet": ACNet(),
        "condconv": CondConv(3, dropout=DROPOUT),
        "dycnn": DyConv(3, hidden="imagenet", temperature=TEMPERATURE),
        "coconv": CoConv(3, norms=False),
    }
)
CLAIMS = (
    Claim(
        "CoConv is better than static convolution",
        "CoConv Section 5.2, Table 3",
        exceeds("coconv", "static"),
    ),
    Claim(
        "CoConv is better than all its rivals",
        "CoConv Section 5.2, Table 3",
        exceeds("coconv", "se", "ge", "acnet", "condconv", "dycnn"),
    ),
)

coconv_imagenet = Study(
    name="coconv_imagenet",
    question="Is CoConv better than SE, GE, ACNet and other dynamic convolutions?",
    source="CoConv Table 3",
    baseline="static",
    presets={
        **quick.plain_designs(grid({"": quick.NETWORK}, RIVALS), *CLAIMS),
        "paper": Design(
            arms=grid({"": ResNet(depth=18)}, RIVALS),
            tasks=(ImageNet(),),
            recipe=RECIPES["coconv_imagenet"],
            seeds=3,
            note="The protocol of Section 5.2, with three experts and without their norms. As in "
            "the authors' code CondConv drops a fifth of the routing's averages, DY-CNN has the "
            "temperature 34 and ACNet a norm in each branch (printed without), the decay is "
            "1e-4, and crops have 10 to 100 % of the area and aspects of 0.8 to 1.25. The paper "
            "does not state its number of runs: ours are three.",
            is_paper_protocol=True,
            claims=CLAIMS,
        ),
    },
    published=published(TABLE_3),
)

STUDIES = (coconv_imagenet,)
