"""A model's first convolutions and last layer, made anew for other images or classes."""

from torch import nn

from searchspace.errors import InputError


def with_channels(conv: nn.Conv2d, in_chs: int) -> nn.Conv2d:
    """The same convolution for images of `in_chs` channels, with weights of its own."""
    if conv.groups != 1:
        raise InputError(
            f"the first convolution has {conv.groups} groups, and so takes images of "
            f"{conv.in_channels} channels only, got {in_chs}"
        )
    return _like(conv, in_chs, conv.out_channels)


def set_classes(model: str, network: nn.Module, classifier: str, num_classes: int) -> None:
    """Give the network a last layer for `num_classes` unless it has been made with one."""
    layer = network.get_submodule(classifier) if classifier else None
    made: nn.Module | None = None
    if isinstance(layer, nn.Linear):
        if layer.out_features != num_classes:
            made = nn.Linear(layer.in_features, num_classes, bias=layer.bias is not None)
    elif isinstance(layer, nn.Conv2d):
        if layer.out_channels != num_classes:
            made = _like(layer, layer.in_channels, num_classes)
    else:
        raise InputError(
            f"{model} takes no num_classes and does not end in a linear layer, so it cannot be "
            f"made for {num_classes} classes"
        )
    if made is not None:
        network.set_submodule(classifier, made)


def _like(conv: nn.Conv2d, in_chs: int, out_chs: int) -> nn.Conv2d:
    return nn.Conv2d(
        in_chs,
        out_chs,
        _pair(conv.kernel_size),
        stride=_pair(conv.stride),
        padding=conv.padding if isinstance(conv.padding, str) else _pair(conv.padding),
        dilation=_pair(conv.dilation),
        bias=conv.bias is not None,
        padding_mode=conv.padding_mode,
    )


def _pair(sizes: tuple[int, ...]) -> tuple[int, int]:
    height, width = sizes
    return height, width
