"""Muon: each step of a weight matrix is made orthogonal, so that it moves all directions alike.

A gradient of a matrix has few directions in which it is long and many in which it is short; Adam's step, which
looks at each number alone, keeps that shape. Muon replaces the momentum M = U S V' by U V', all of its directions
made equally long. Jordan and others 2024, https://kellerjordan.github.io/posts/muon/
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor

MOMENTUM = 0.95
ITERATIONS = 5
A, B, C = 3.4445, -4.7750, 2.0315
"""Of the polynomial a x + b x^3 + c x^5, which pulls each singular value from (0, 1] towards 1, fast and roughly."""
ADAMS_SIZE = 0.2
"""Root mean square of the numbers in a step of AdamW, in units of the learning rate; a step of Muon is made as large,
so that one learning rate fits both. Liu and others 2025, https://arxiv.org/abs/2502.16982"""


class Muon(torch.optim.AdamW):
    """Muon for the groups of parameters marked `orthogonal` (matrices all), AdamW for the others.

    Both pull weights towards zero by learning rate × weight decay a step.
    """

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One step from the gradients at hand. Gradients of matrices are used up: they are None afterwards."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = {}
            for weight in group["params"] if group.get("orthogonal") else ():
                alike.setdefault(weight.shape, []).append(weight)
            for (rows, columns), weights in alike.items():  # those of one shape at once: half the time
                size = ADAMS_SIZE * math.sqrt(max(rows, columns))  # an orthogonal m × n has rms 1 / sqrt(max(m, n))
                steps = orthogonal(torch.stack([self._ahead(weight) for weight in weights]))
                for weight, step in zip(weights, steps, strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(step, alpha=-group["lr"] * size)
                    weight.grad = None  # AdamW passes over what has no gradient
        super().step()

    def _ahead(self, weight: Tensor) -> Tensor:
        """Take the gradient into the momentum; where that goes from here, a look ahead along it (Nesterov)."""
        state, gradient = self.state[weight], cast(Tensor, weight.grad)
        if not state:  # "step" is what AdamW looks for when a state is loaded
            state |= {"step": torch.tensor(0.0), "momentum": torch.zeros_like(weight)}
        state["step"] += 1
        momentum: Tensor = state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp_(momentum, MOMENTUM)


def orthogonal(matrices: Tensor) -> Tensor:
    """About U V' of each of some matrices (K, m, n) = U S V', by Newton-Schulz iteration: most of S come near 1.

    The result is rough in any precision, so that it is computed in the fastest one, bfloat16.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = (matrices.mT if tall else matrices).bfloat16()
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return (x.mT if tall else x).to(matrices.dtype)
