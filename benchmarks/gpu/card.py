"""What a card holds and shares: memory, several trainings at once, latencies, several cards."""

import multiprocessing
import time
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.epochs import LOWER, RECIPE, CifarShaped
from benchmarks.gpu.rows import Row, Rows, Settings, in_time
from benchmarks.gpu.speed import allocated
from searchspace import Architecture, Backbone, ResNet, ResNetCifar, build
from searchspace.latency import measure_latency
from trainers import Job, Training, train
from trainers.processes import Processes, Shared
from trainers.runtime.live_memory import peak_bytes


def memory(settings: Settings) -> Rows:
    """What a step allocates on the card against what its tensors hold, counted on the CPU."""
    backbones: dict[str, tuple[Backbone, int]] = {
        "ResNet-20, 128 images": (ResNetCifar(20), 128),
        "ResNet-18, 128 images": (ResNet(18, stem="small"), 128),
    }
    if settings.tiny:
        backbones = {"ResNet-8, 4 images": (ResNetCifar(8, width=4), 4)}
    for case in in_time(settings, "memory", list(backbones)):
        backbone, images = backbones[case]
        found = []
        for device in dict.fromkeys(("cpu", settings.device)):
            network = build(Architecture(backbone), 10).to(device)
            x = torch.randn(images, 3, 32, 32, device=device)
            labels = torch.zeros(images, dtype=torch.long, device=device)

            step = partial(_gradients, network, x, labels)
            found.append(peak_bytes(step) if device == "cpu" else allocated(step))
        share, note = found[-1] / found[0], f"{found[0]:,} bytes counted"
        yield Row("memory", case, share, "of what was counted", note=note)


def _gradients(network: nn.Module, images: Tensor, labels: Tensor) -> None:
    network.zero_grad(set_to_none=True)
    F.cross_entropy(network(images), labels).backward()


def sharing(settings: Settings) -> Rows:
    """Images per second of several trainings at once on one card, as multiples of those of one."""
    alone = None
    counts = ["1"] if settings.tiny else ["1", "2", "4"]
    for count in in_time(settings, "sharing", counts):
        speed = images_per_second(settings, int(count))
        alone = alone or speed
        yield Row("sharing", f"{count} at once", speed / alone, "x", note=f"{speed:,.0f} images/s")


def images_per_second(settings: Settings, count: int) -> float:
    """Of `count` processes that train at the same time."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(count), context.Queue()
    given = (settings.device, settings.tiny, barrier, results)
    workers = [context.Process(target=_timed_epoch, args=given) for _ in range(count)]
    for worker in workers:
        worker.start()
    try:
        return float(sum(results.get(timeout=120) for _ in workers))
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def _timed_epoch(device: str, tiny: bool, barrier: Any, results: Any) -> None:
    torch.set_num_threads(1)
    images = 40 if tiny else 6400
    backbone = ResNetCifar(8, width=4) if tiny else ResNetCifar(20)
    recipe = RECIPE if device == "cpu" else LOWER
    training = Training(Job(Architecture(backbone), CifarShaped(images), recipe, 0), device=device)
    training.epoch()
    barrier.wait()
    started = time.perf_counter()
    training.epoch()
    results.put(images / (time.perf_counter() - started))


def latency(settings: Settings) -> Rows:
    """Milliseconds for a batch in deployed form, single precision."""
    networks: dict[str, tuple[Backbone, int]] = {
        "ResNet-20 at 32 px": (ResNetCifar(20), 32),
        "ResNet-18 at 224 px": (ResNet(18), 224),
        "ResNet-50 at 224 px": (ResNet(50), 224),
    }
    if settings.tiny:
        networks = {"ResNet-8 at 8 px": (ResNetCifar(8, width=4), 8)}
    batches = (1, 2) if settings.tiny else (1, 64)
    cases = [f"{name}, {batch} images" for name in networks for batch in batches]
    for case in in_time(settings, "latency", cases):
        name, _, batch = case.removesuffix(" images").partition(", ")
        backbone, size = networks[name]
        network, n = Architecture(backbone), settings.repeats
        found = measure_latency(network, settings.device, int(batch), size=size, repeats=n)
        note = f"quartiles {found.low_ms:.3f}, {found.high_ms:.3f}"
        yield Row("latency", case, found.median_ms, "ms", note=note)


def several_cards(settings: Settings) -> Rows:
    """Two processes with synchronised norms against one: the loss, and the time of an epoch."""
    if settings.gpu and torch.cuda.device_count() < 2:
        yield Row("several cards", "two processes", note="left out: there is one GPU")
        return
    images = 40 if settings.tiny else 6400
    backbone: Backbone = ResNetCifar(8, width=4) if settings.tiny else ResNet(18, stem="small")
    batch = 20 if settings.tiny else 256
    recipe = replace(RECIPE, epochs=2, batch_size=batch, sync_norms=True)
    job = Job(Architecture(backbone), CifarShaped(images), recipe, 0)
    shared = Shared(job, partial(job.task.load, None), device=settings.device, threads=1)
    both = Processes(2)
    with both.closing(), both.training(shared) as ranks:
        two = train(job, device=settings.device, ranks=ranks)
    one = train(job, device=settings.device)
    off = max(
        abs(a.train_loss - b.train_loss) / a.train_loss
        for a, b in zip(one.curve, two.curve, strict=True)
    )
    yield Row("several cards", "loss, two processes", off, "of the loss", None, off < 1e-2)
    yield Row("several cards", "speed, two processes", one.seconds / two.seconds, "x")
