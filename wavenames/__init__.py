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
# faults, a tenth to a quarter of its time. Up to 64 MB of what is free are kept; blocks above 32 MB still go back.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
if sys.platform == "linux" and hasattr(_libc := ctypes.CDLL(None), "mallopt"):
    _libc.mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
    _libc.mallopt(M_TRIM_THRESHOLD, 64 * 2**20)
