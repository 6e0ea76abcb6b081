"""wavenames: name generators from letter-pair counts to a gated, dilated WaveNet, small enough to read."""

import os

__version__ = "0.1.0"

# How long the threads of one matrix product wait for each other awake, in turns of a loop; read once, when torch is
# loaded. By default it is milliseconds: on two cores that anything else uses too, such as a browser, training then
# slows down tenfold and more. This costs 4% of the speed on idle cores, and none of the speed on busy ones.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
