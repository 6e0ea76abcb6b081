"""How much a model computes for each letter that it predicts."""

from __future__ import annotations

import copy

from torch.utils.flop_counter import FlopCounterMode

from wavenames.models import Model
from wavenames.names import Packed


def multiply_adds(model: Model, names: Packed) -> float:
    """Multiplications with their additions in a model's matrix products, for each target of whole names.

    Counted where torch carries them out, so that work which a model shares between neighbouring letters counts once,
    and what it does once for a whole batch is spread over all its targets. Rows that only fill a batch up count too.
    """
    (batch,) = names.all(len(names))
    # In double precision every product is torch's own, which its counter knows.
    double = copy.deepcopy(model).double().eval()
    with FlopCounterMode(display=False) as counter:
        double(batch)
    return float(counter.get_total_flops()) / 2 / names.targets_count
