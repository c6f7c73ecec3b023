"""Search spaces: what may be chosen, counted, drawn, priced and bounded."""

from searchspace.space.costs.limits import Limits
from searchspace.space.named_spaces import named_space, spaces
from searchspace.space.reading import parse_space, read_space
from searchspace.space.rules import Rule
from searchspace.space.space import Space

__all__ = ["Limits", "Rule", "Space", "parse_space", "read_space", "named_space", "spaces"]
