"""Every study by name."""

from difflib import get_close_matches

from searchspace import InputError
from studies.papers import attention, equal_cost
from studies.papers.coconv import imagenet_studies as coconv_imagenet
from studies.papers.coconv import studies as coconv
from studies.papers.hs import recipe_studies as hs_recipes
from studies.papers.hs import studies as hs
from studies.papers.mssar import studies as mssar
from studies.papers.multiception import studies as multiception
from studies.papers.rsnet import studies as rsnet
from studies.spec.ablation import Study

MODULES = (
    coconv,
    coconv_imagenet,
    multiception,
    mssar,
    rsnet,
    hs,
    hs_recipes,
    equal_cost,
    attention,
)
STUDIES: dict[str, Study] = {study.name: study for module in MODULES for study in module.STUDIES}


def study(name: str) -> Study:
    """The study of that name; an InputError suggests what may have been meant."""
    if name not in STUDIES:
        close = get_close_matches(name, STUDIES, n=1)
        hint = f"did you mean {close[0]}?" if close else "--list shows them all"
        raise InputError(f"there is no study {name!r}; {hint}")
    return STUDIES[name]
