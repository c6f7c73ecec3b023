"""Search spaces: what may be chosen, counted, drawn, priced and bounded."""

from searchspace.design.catalogue import space, spaces
from searchspace.design.reading import parse_space, read_space
from searchspace.design.rules import Rule
from searchspace.design.space import Space
from searchspace.design.within import Within

__all__ = ["Rule", "Space", "Within", "parse_space", "read_space", "space", "spaces"]
