"""The weights of a trained network as a safetensors file."""

from pathlib import Path

from torch import nn

from searchspace.serialization.files import replacing


def save_weights(network: nn.Module, path: Path) -> None:
    """Write the network's state as safetensors, atomically; an OSError if that is impossible."""
    # Workers that keep no weights do without it.
    from safetensors.torch import save

    state = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    with replacing(path) as part:
        part.write_bytes(save(state))
