"""wavenames: name generators from letter-pair counts to a gated, dilated WaveNet, small enough to read."""

import ctypes
import os
import sys

__version__ = "0.1.0"

# How long the threads of one matrix product wait for each other awake, in turns of a loop; read once, when torch is
# loaded. By default it is milliseconds: on two cores that anything else uses too, such as a browser, training then
# slows down tenfold and more. This costs 4% of the speed on idle cores, and none of the speed on busy ones.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

# glibc hands freed memory back to the system at every chance and a step of training takes it anew: hundreds of page
# faults, a tenth to a quarter of its time. Up to 32 MB of what is free are kept in each arena, and there are four of
# those at most, where else each thread of the server may have one; blocks above 32 MB still go back. What the
# environment says instead is heeded.
MALLOC = {
    "MALLOC_TRIM_THRESHOLD_": (-1, 32 * 2**20),
    "MALLOC_MMAP_THRESHOLD_": (-3, 32 * 2**20),
    "MALLOC_ARENA_MAX": (-8, 4),
}
"""Settings of glibc by their environment variable: the number that mallopt(3) knows them by, and our value."""
if sys.platform == "linux" and hasattr(_libc := ctypes.CDLL(None), "mallopt"):
    for _name, (_setting, _value) in MALLOC.items():
        if _name not in os.environ:
            _libc.mallopt(_setting, _value)
