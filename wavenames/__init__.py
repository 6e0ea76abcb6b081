"""wavenames: name generators from letter-pair counts to a gated, dilated WaveNet, small enough to read."""

import os

__version__ = "0.1.0"

# torch's threads spin while they wait for one another. With every core busy, as in a class of thirty, that makes two
# threads many times slower than one; asleep instead, they are never slower. Read once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
