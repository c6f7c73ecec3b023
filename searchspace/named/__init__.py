"""The networks of the papers, by name: one for every row of every table of costs."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from itertools import chain

from searchspace.architecture import Architecture
from searchspace.errors import InputError
from searchspace.named import coconv, hs, mssar, multiception, rsnet
from searchspace.named.entry import Named, Source

__all__ = ["Named", "Source", "catalogue_entry", "named", "names"]

PAPERS = (coconv, multiception, mssar, rsnet, hs)


def names() -> tuple[str, ...]:
    """All names, in the order of the papers."""
    return tuple(_catalogue())


def named(name: str) -> Architecture:
    """The network of this name; an unknown name raises an InputError that suggests close ones."""
    return catalogue_entry(name).architecture


def catalogue_entry(name: str) -> Named:
    """The same with the image size and classes it was measured with, and the rows that print it."""
    found = _catalogue().get(name)
    if found is None:
        close = get_close_matches(str(name), names(), n=4, cutoff=0.5)
        hint = f"close names are {', '.join(close)}" if close else "no name is close"
        raise InputError(f"unknown network {name!r}; {hint} (searchspace.names() lists all)")
    return found


@lru_cache(maxsize=1)
def _catalogue() -> dict[str, Named]:
    """Every entry; one that several papers print carries all their rows as sources."""
    found: dict[str, Named] = {}
    for name, printed in _entries():
        known = found.get(name)
        if known is None:
            found[name] = printed
        else:
            found[name] = _merged(name, known, printed)
    return found


def _entries() -> Iterator[tuple[str, Named]]:
    return chain.from_iterable(paper.entries() for paper in PAPERS)


def _merged(name: str, first: Named, second: Named) -> Named:
    sources = tuple(dict.fromkeys(first.sources + second.sources))
    merged = Named(first.backbone, first.data, sources, first.choices, first.resolutions)
    again = Named(second.backbone, second.data, sources, second.choices, second.resolutions)
    for field in ("backbone", "data", "choices", "resolutions"):
        if getattr(merged, field) != getattr(again, field):
            raise ValueError(f"the name {name} stands for two networks, which differ in {field}")
    return merged
