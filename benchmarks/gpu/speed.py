"""Training steps against definitions in plain layers, an epoch against a tuned loop."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks import coconv, epochs, mssar, multiception, networks, switchable
from benchmarks.epochs import CifarShaped
from benchmarks.gpu.equality import RECIPE, repeatability, tf32
from benchmarks.gpu.rows import Row, Rows, Settings, in_time, ratio_row
from benchmarks.timing import Pair, paired, training_step
from searchspace import Architecture, Backbone, ResNet, ResNetCifar, build
from searchspace.operators.hierarchical_split import HierarchicalSplit2d
from trainers import Job, Training

GOALS = {"CoConv": 3.0, "MS-SAR": 3.0, "Multiception": 1.5}
"""How many times as fast as its definition a step of a layer should be."""
EPOCH_GOAL, BUSY_GOAL = 0.9, 0.9


def layers(settings: Settings) -> Rows:
    """A training step of one layer, of shapes of networks for 32 and for 224 pixels."""
    device, n = settings.device, settings.repeats
    batch = 2 if settings.tiny else 128
    cases: dict[str, Callable[[], Pair]] = {}
    for chs, side in ((4, 6),) if settings.tiny else ((16, 32), (64, 8), (64, 56), (256, 14)):
        shape = f"{batch} x {chs} x {side} x {side}"
        experts, separable = (batch, chs, side, 4), (batch, chs, chs, side, 1, (3, 5))
        cases[f"CoConv {shape}"] = partial(coconv.training, experts, device, n)
        cases[f"MS-SAR {shape}"] = partial(mssar.compare, experts[:3], device, n)
        cases[f"Multiception {shape}"] = partial(multiception.compare, separable, device, n)
        cases[f"HS {shape}"] = partial(hierarchical_split, experts[:3], device, n)
    for name in in_time(settings, "layers", list(cases)):
        with tf32(on=False):
            goal = GOALS.get(name.partition(" ")[0]) if settings.gpu else None
            yield ratio_row("layers", name, cases[name](), goal)


def whole_networks(settings: Settings) -> Rows:
    """A training step of a whole network, at 32 and at 224 pixels."""
    shapes: dict[str, tuple[Backbone, int, int]] = {
        "ResNet-20 at 32 px": (ResNetCifar(20), 128, 32),
        "ResNet-18 at 224 px": (ResNet(18), 32, 224),
    }
    if settings.tiny:
        shapes = {"ResNet-8 at 8 px": (ResNetCifar(8, width=4), 4, 8)}
    cases = [f"{what}, {name}" for what in shapes for name in networks.CHOICES]
    for case in in_time(settings, "networks", cases):
        backbone, images, side = shapes[case.partition(", ")[0]]
        choices = networks.CHOICES[case.partition(", ")[2]]
        network = build(Architecture(backbone, choices), 100).to(settings.device)
        x = torch.randn(images, 3, side, side, device=settings.device)
        with tf32(on=False):
            pair = networks.compare(network, x, settings.repeats, channels_last=settings.gpu)
        yield ratio_row("networks", case, pair)


def several_sizes(settings: Settings) -> Rows:
    """A step of a network for several input sizes: its time, and its memory on a GPU."""
    sizes = ((32, 28, 24, 20, 16), (224, 192, 160, 128, 96))
    for chosen in ((8, 6),) if settings.tiny else sizes:
        images, depth = (4, 8) if settings.tiny else (64 if chosen[0] == 32 else 16, 20)
        for recompute in (False, True):
            step = switchable.Step("full", settings.gpu, recompute, images, chosen, depth)
            case = f"{chosen[0]} to {chosen[-1]} px, {step.label()}"
            for _ in in_time(settings, "several sizes", [case]):
                with tf32(on=False):
                    pair, _ = switchable.compare_steps(step, settings.device, settings.repeats)
                yield ratio_row("several sizes", case, pair)
                if settings.gpu:
                    slow, fast = switchable.switchable_steps(step, settings.device)
                    share = allocated(fast) / allocated(slow)
                    yield Row("several sizes", case, share, "of the memory of a list of inputs")


def epoch(settings: Settings) -> Rows:
    """An epoch of ResNet-18 at 32 px against a loop tuned by hand; how busy the card is in it."""
    backbone: Backbone = ResNetCifar(8, width=4) if settings.tiny else ResNet(18, stem="small")
    images = 40 if settings.tiny else 12_800
    architecture, recipe = Architecture(backbone), epochs.LOWER
    for case in in_time(settings, "epoch", [f"{backbone.label()}, {images} images"]):
        repeats = 2 if settings.tiny else 5
        pair = epochs.epochs(architecture, recipe, settings.device, repeats, images, tuned=True)
        yield ratio_row("epoch", case, pair, EPOCH_GOAL if settings.gpu else None)
        if settings.gpu:
            share = busy(Training(Job(architecture, CifarShaped(images), recipe, 0), device="cuda"))
            yield Row("epoch", f"{case}, busy", share, "of the time", BUSY_GOAL, share >= BUSY_GOAL)
        else:
            yield Row("epoch", f"{case}, busy", note="left out: the device is no GPU")


def price_of_repeatability(settings: Settings) -> Rows:
    """Repeatability, and a step as it comes against one by deterministic kernels."""
    yield from repeatability(settings)
    backbone: Backbone = ResNetCifar(8, width=4) if settings.tiny else ResNet(18, stem="small")
    images = 4 if settings.tiny else RECIPE.batch_size * 8
    network = build(Architecture(backbone), 10).to(settings.device)
    step = networks.whole_step(network, torch.randn(images, 3, 32, 32, device=settings.device))

    def deterministic() -> None:
        torch.use_deterministic_algorithms(True)
        try:
            step()
        finally:
            torch.use_deterministic_algorithms(False)

    pair = paired(deterministic, step, settings.repeats, settings.device)
    yield ratio_row("repeatability", "price of deterministic kernels", pair)


class SplitLayers(nn.Module):
    """HS by its definition (HS-ResNet Section 3.1), with the layers of ours."""

    def __init__(self, ours: HierarchicalSplit2d) -> None:
        super().__init__()
        self.convs, self.width = ours.convs, ours.width

    def forward(self, x: Tensor) -> Tensor:
        groups = [x[:, i : i + self.width] for i in range(0, x.shape[1], self.width)]
        kept, passed = [groups[0]], groups[1][:, :0]
        for number, (group, conv) in enumerate(zip(groups[1:], self.convs, strict=True), 1):
            y = conv(torch.cat((group, passed), 1))
            half = y.shape[1] - y.shape[1] // 2 if number < len(self.convs) else y.shape[1]
            kept.append(y[:, :half])
            passed = y[:, half:]
        return torch.cat(kept, 1)


def hierarchical_split(shape: tuple[int, int, int], device: str, repeats: int) -> Pair:
    """HS with four splits: check that both forms agree, then time them."""
    batch, chs, side = shape
    ours = HierarchicalSplit2d(chs // 4, 4).to(device)
    x = torch.randn(batch, chs // 4 * 4, side, side, device=device)
    plain = SplitLayers(ours)
    torch.testing.assert_close(ours(x), plain(x), rtol=1e-4, atol=1e-4)
    return paired(training_step(plain, x), training_step(ours, x), repeats, device)


def allocated(call: Callable[[], object]) -> int:
    """The most bytes that a call allocates on the GPU beyond what is there."""
    call()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    return torch.cuda.max_memory_allocated() - before


def busy(training: Training) -> float:
    """The share of an epoch's time in which the GPU computes."""
    training.epoch()
    torch.cuda.synchronize()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        start.record()
        training.epoch()
        end.record()
        torch.cuda.synchronize()
    computed = sum(event.self_device_time_total for event in profile.key_averages())
    return computed / 1e3 / start.elapsed_time(end)
