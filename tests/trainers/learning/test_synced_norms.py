from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch._C._distributed_c10d import HashStore

from searchspace import InputError
from trainers.learning.synced_norms import SyncedBatchNorm2d, synchronise_norms
from trainers.runtime.ranks import Ranks, join, leave


@pytest.fixture
def group() -> Iterator[None]:
    """A group of one process."""
    join(0, 1, torch.device("cpu"), store=HashStore(), timeout=10)
    yield
    leave()


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("affine", [True, False])
def test_of_one_process_it_is_batch_norm(momentum: float | None, affine: bool, group: None) -> None:
    torch.manual_seed(0)
    plain = nn.BatchNorm2d(3, momentum=momentum, affine=affine)
    synced = nn.BatchNorm2d(3, momentum=momentum, affine=affine)
    synchronise_norms(nn.Sequential(synced))
    assert isinstance(synced, SyncedBatchNorm2d)
    for _ in range(2):
        x = (5 + torch.randn(4, 3, 2, 2)).requires_grad_()
        outputs = [norm(x) for norm in (plain, synced)]
        torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-5)
        weights = torch.randn_like(x)
        grads = [torch.autograd.grad((y * weights).sum(), x)[0] for y in outputs]
        torch.testing.assert_close(*grads, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(dict(plain.state_dict()), dict(synced.state_dict()))
    torch.testing.assert_close(plain.eval()(x), synced.eval()(x))


def test_compilers_take_it_in_one_graph(group: None) -> None:
    norm = nn.BatchNorm2d(3)
    synchronise_norms(nn.Sequential(norm))
    x = torch.randn(4, 3, 2, 2, requires_grad=True)
    wanted = torch.autograd.grad(norm(x).square().sum(), [x, norm.weight])
    compiled = torch.compile(norm, backend="aot_eager", fullgraph=True)
    got = torch.autograd.grad(compiled(x).square().sum(), [x, norm.weight])
    torch.testing.assert_close(got, wanted)


def test_norms_that_cannot_are_named() -> None:
    class Other(nn.BatchNorm2d):
        pass

    with pytest.raises(InputError, match="sync_norms: 0 is a Other, and only BatchNorm2d can"):
        synchronise_norms(nn.Sequential(Other(3)))


@pytest.mark.parametrize(("images", "count"), [(7, 3), (8, 4), (3, 4)])
def test_each_image_is_that_of_one_process(images: int, count: int) -> None:
    ranks = [Ranks(rank, count) for rank in range(count)]
    batch = torch.arange(images)
    assert sorted(torch.cat([r.part(batch) for r in ranks]).tolist()) == list(range(images))
    assert [len(r.part(batch)) for r in ranks] == [r.below(images) for r in ranks]
    assert [i for r in ranks for i in r.share(images)] == list(range(images))
