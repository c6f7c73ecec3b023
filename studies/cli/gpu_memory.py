"""Whether the jobs that share a GPU fit into its memory, before anything is trained."""

from dataclasses import replace

import torch

from searchspace import InputError
from studies.execution.resources import Resources
from trainers import Job
from trainers.initial import initial_network
from trainers.learning.learner import Learner
from trainers.learning.losses import Batch
from trainers.runtime.live_memory import LiveMemory
from trainers.runtime.rng_state import RngState

PROBED = (2, 4)
"""Images of the two steps whose memory is counted; larger batches need proportionally more."""
GIB = 2**30


def sharing_text(job: Job, resources: Resources) -> str:
    """What each of the jobs that share a GPU holds there; empty if they do not share one.

    An InputError if they cannot fit on this machine's GPU. `job` should be the largest.
    """
    share = resources.gpus_per_trial
    if not 0 < share < 1:
        return ""
    together, needed = int(1 / share), step_bytes(job)
    text = f"{together} jobs share a GPU, each with about {needed / GIB:.2f} GiB in a step"
    room = gpu_bytes()
    if room is not None and together * needed > room:
        raise InputError(
            f"{text}, and the GPU has {room / GIB:.1f} GiB; give a larger --gpus-per-trial"
        )
    return f"{text}{'' if room is None else f', of {room / GIB:.1f} GiB'}.\n"


def gpu_bytes() -> int | None:
    """The memory of this machine's GPU; None if there is none here."""
    if not torch.cuda.is_available():
        return None
    return int(torch.cuda.get_device_properties(0).total_memory)


def step_bytes(job: Job) -> int:
    """About the most bytes that a job's weights, optimiser and one training step hold.

    From steps of two small batches on the CPU. Stored images, libraries and what an algorithm of
    the GPU takes as scratch space come on top.
    """
    recipe = replace(job.recipe, compile="no", accumulation=1, channels_last=False)
    small, large = (_peak(replace(job, recipe=recipe), images) for images in PROBED)
    each = (large - small) / (PROBED[1] - PROBED[0])
    images = min(job.recipe.batch_size, job.task.train_images) / job.recipe.accumulation
    return int(small + each * max(0.0, images - PROBED[0]))


def _peak(job: Job, images: int) -> int:
    """The most bytes of the second step, when the optimiser has its state."""
    rng_state = RngState(0, torch.device("cpu"))
    side = job.training_sizes[0]
    with rng_state.active():
        network, kept = initial_network(job)
        learner = Learner(network, job, rng_state, kept=kept)
        learner.train_mode()
        batch = Batch(
            (torch.randn(images, job.task.in_chs, side, side),),
            (torch.zeros(images, dtype=torch.long),),
        )
        learner.learn(batch, 0.0)
        with LiveMemory(learner.persistent_tensors()) as memory:
            learner.learn(batch, 0.0)
    return memory.peak
