"""The networks of the papers by name: one for every row of a table of costs.

What the papers print about them stands in `studies.papers`.
"""

from difflib import get_close_matches
from functools import lru_cache
from itertools import chain

from searchspace.architecture import Architecture
from searchspace.errors import InputError
from searchspace.paper_networks import coconv, hs, mssar, multiception, rsnet
from searchspace.paper_networks.network import NamedNetwork

__all__ = ["NamedNetwork", "catalogue_entry", "named", "names"]

PAPERS = (coconv, multiception, mssar, rsnet, hs)


def names() -> tuple[str, ...]:
    """All names, in the order of the papers."""
    return tuple(_catalogue())


def named(name: str) -> Architecture:
    """The network of this name; an unknown name raises an InputError that suggests close ones."""
    return catalogue_entry(name).architecture


def catalogue_entry(name: str) -> NamedNetwork:
    """The network of this name with the image size and the classes that its costs are for."""
    network = _catalogue().get(name)
    if network is None:
        close = get_close_matches(str(name), names(), n=4, cutoff=0.5)
        hint = f"close names are {', '.join(close)}" if close else "no name is close"
        raise InputError(f"unknown network {name!r}; {hint} (searchspace.names() lists all)")
    return network


@lru_cache(maxsize=1)
def _catalogue() -> dict[str, NamedNetwork]:
    """Every network; several papers may define one, but not differently."""
    catalogue: dict[str, NamedNetwork] = {}
    for name, network in chain.from_iterable(paper.networks() for paper in PAPERS):
        if not catalogue.setdefault(name, network).same_as(network):
            raise ValueError(f"the name {name} stands for two networks")
    return catalogue
