"""The peak memory of a computation on any device, from the tensors that it makes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveMemory(TorchDispatchMode):
    """Watches every operator; `peak` is the most bytes alive at once, scratch space excluded.

    The tensors `held` count from the beginning, others once an operator returns them.
    """

    def __init__(self, held: Iterable[Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self.bytes = 0
        for tensor in held:
            self._add(tensor)
        self.peak = self.bytes

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._add(leaf)
        # What is gone matters only where a new peak is in question: looking takes time.
        if self.bytes > self.peak:
            self._drop_dead()
            self.peak = max(self.peak, self.bytes)
        return result

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        reference = StorageWeakRef(storage)
        if reference.cdata not in self.alive:
            self.alive[reference.cdata] = (reference, storage.nbytes())
            self.bytes += storage.nbytes()

    def _drop_dead(self) -> None:
        self.alive = {k: (ref, n) for k, (ref, n) in self.alive.items() if not ref.expired()}
        self.bytes = sum(size for _, size in self.alive.values())


def peak_bytes(call: Callable[[], object]) -> int:
    """The most bytes of tensors made by `call` that are alive at one time."""
    with LiveMemory() as memory:
        call()
    return memory.peak
