"""Options of the C library for memory that a process has freed."""

import ctypes

OPTIONS = {
    -1: 2**30,  # M_TRIM_THRESHOLD: freed at the end of the heap until it goes back to the system.
    -2: 2**26,  # M_TOP_PAD: asked for beyond what is needed, whenever the heap grows.
    -3: 2**25,  # M_MMAP_THRESHOLD: larger blocks are the system's; more is not allowed.
}
"""glibc's options (mallopt(3)) and what we set them to, in bytes."""


def keep_freed_memory() -> bool:
    """Let this process keep up to 1 GiB of freed memory for its next step; returns success.

    A step frees nearly all that it allocated. By default glibc then gives it back to the system,
    which hands it out again one page at a time: up to a quarter of the time of a step of a small
    network. Other C libraries have no such option.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all([mallopt(option, value) == 1 for option, value in OPTIONS.items()])
