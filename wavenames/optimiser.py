"""Muon: each step of a weight matrix is made orthogonal, so that it moves all directions alike.

A gradient of a matrix has few directions in which it is long and many in which it is short; Adam's step, which
looks at each number alone, keeps that shape. Muon replaces the momentum M = U S V' by U V', all of its directions
made equally long. Jordan and others 2024, https://kellerjordan.github.io/posts/muon/
"""

from __future__ import annotations

import math
from typing import Any

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
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step from the gradients at hand. Gradients of matrices are used up: they are None afterwards."""
        for group in self.param_groups:
            for weight in group["params"] if group.get("orthogonal") else ():
                state = self.state[weight]
                if not state:  # "step" is what AdamW looks for when a state is loaded
                    state |= {"step": torch.tensor(0.0), "momentum": torch.zeros_like(weight)}
                state["step"] += 1
                momentum = state["momentum"]
                momentum.lerp_(weight.grad, 1 - MOMENTUM)
                step = orthogonal(weight.grad.lerp_(momentum, MOMENTUM))  # Nesterov: a look ahead along the momentum
                size = ADAMS_SIZE * math.sqrt(max(weight.shape))  # an orthogonal m × n has rms 1 / sqrt(max(m, n))
                weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(step, alpha=-group["lr"] * size)
                weight.grad = None  # AdamW passes over what has no gradient
        super().step(closure)


def orthogonal(matrix: Tensor) -> Tensor:
    """About U V' of a matrix (m, n) = U S V', by Newton-Schulz iteration: all but the least of S come near 1.

    The result is rough in any precision, so that it is computed in the fastest one, bfloat16.
    """
    x = (matrix.T if matrix.shape[0] > matrix.shape[1] else matrix).bfloat16()
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return (x.T if matrix.shape[0] > matrix.shape[1] else x).to(matrix.dtype)
