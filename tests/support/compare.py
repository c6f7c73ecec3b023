"""What the tests of single operators share: comparing with a definition written slowly."""

from torch import autograd, nn, randn_like, testing


def assert_same(fast, slow, leaves, rtol=1e-4, atol=1e-4):
    """Equal outputs, and equal gradients of one random projection of them for every leaf."""
    testing.assert_close(fast, slow, rtol=rtol, atol=atol)
    weights = randn_like(fast)
    got = autograd.grad((fast * weights).sum(), leaves)
    expected = autograd.grad((slow * weights).sum(), leaves)
    for leaf_got, leaf_expected in zip(got, expected, strict=True):
        testing.assert_close(leaf_got, leaf_expected, rtol=rtol, atol=atol)


class OnOneInput(nn.Module):
    """A recalibration whose source is the map that it rescales."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x, x)
