"""What a loss proves: seen and unseen names told apart."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import torch

from wavenames.training import Evaluation, mean_and_error


def seen_and_unseen(
    found: Evaluation, names: Sequence[str], train: Collection[str]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Loss and its standard error on those of `names` that stand in `train` too, and on the rest.

    `found` is a model's evaluation on `names`, in their order. Where there are no such names, both are nan.
    """
    known = set(train)
    seen = torch.tensor([name in known for name in names])

    def part(rows: torch.Tensor) -> tuple[float, float]:
        return mean_and_error(found.per_name[rows], found.lengths[rows]) if rows.any() else (math.nan, math.nan)

    return part(seen), part(~seen)
