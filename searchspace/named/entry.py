"""What a name of the catalogue stands for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from searchspace.architecture import Architecture
from searchspace.backbones import Backbone
from searchspace.choice import Choice
from searchspace.resolutions import Resolutions

IMAGENET, TINY, CIFAR10, CIFAR100 = (224, 1000), (64, 200), (32, 10), (32, 100)
"""Height and width of the images, and classes."""


@dataclass(frozen=True)
class Source:
    """A row of a table of a paper."""

    paper: str
    table: str
    row: str


@dataclass(frozen=True, eq=False)
class Named:
    """A network of the papers, at the image size and with the classes it was measured with.

    `architecture` is made from the other fields when it is first asked for.
    """

    backbone: Backbone
    data: tuple[int, int]
    sources: tuple[Source, ...]
    choices: Mapping[str, Choice] = field(default_factory=lambda: MappingProxyType({}))
    resolutions: Resolutions | None = None

    @property
    def input_size(self) -> int:
        """Height and width of the image, in pixels."""
        return self.data[0]

    @property
    def num_classes(self) -> int:
        """Logits of the network."""
        return self.data[1]

    @cached_property
    def architecture(self) -> Architecture:
        """The network itself."""
        return Architecture(self.backbone, self.choices, self.resolutions)
