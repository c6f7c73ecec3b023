"""A network of the papers with the images that it was counted on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from searchspace.architecture import Architecture
from searchspace.backbones import Backbone
from searchspace.choice import Choice
from searchspace.resolutions import Resolutions

IMAGENET, TINY, CIFAR10, CIFAR100 = (224, 1000), (64, 200), (32, 10), (32, 100)
"""Height and width of the images in pixels, and classes."""


@dataclass(frozen=True, eq=False)
class NamedNetwork:
    """A network of the papers, at the image size and with the classes that its costs are for.

    `architecture` is made from the other fields when it is first asked for.
    """

    backbone: Backbone
    data: tuple[int, int]
    choices: Mapping[str, Choice] = field(default_factory=lambda: MappingProxyType({}))
    resolutions: Resolutions | None = None

    @property
    def input_size(self) -> int:
        """Height and width of the image, in pixels."""
        return self.data[0]

    @property
    def num_classes(self) -> int:
        """How many logits the network has."""
        return self.data[1]

    @cached_property
    def architecture(self) -> Architecture:
        """The backbone with its choices and resolutions."""
        return Architecture(self.backbone, self.choices, self.resolutions)

    def same_as(self, other: "NamedNetwork") -> bool:
        """Whether the other is defined alike."""
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("backbone", "data", "choices", "resolutions")
        )
