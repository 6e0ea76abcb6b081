"""Muon: each step of a weight matrix is made orthogonal, so that it moves all directions alike.

A gradient of a matrix has few directions in which it is long and many in which it is short; Adam's step, which
looks at each number alone, keeps that shape. Muon replaces the momentum M = U S V' by U V', all of its directions
made equally long. Jordan and others 2024, https://kellerjordan.github.io/posts/muon/
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from wavenames.layers import WIDE

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
            if not group.get("orthogonal"):
                continue
            weights, rate = group["params"], group["lr"]
            steps = orthogonal(self._ahead(weights))
            torch._foreach_mul_(weights, 1 - rate * group["weight_decay"])
            for weight, step in zip(weights, steps, strict=True):
                # An orthogonal m × n has a root mean square of 1 / sqrt(max(m, n)).
                weight.add_(step, alpha=-rate * ADAMS_SIZE * math.sqrt(max(weight.shape)))
                weight.grad = None  # AdamW passes over what has no gradient
        super().step()

    def _ahead(self, weights: list[Tensor]) -> list[Tensor]:
        """Take the gradients into the momenta; where those go from here, a look ahead along them (Nesterov)."""
        gradients = [cast(Tensor, weight.grad) for weight in weights]
        for weight in weights:
            if weight not in self.state:  # "step" is what AdamW looks for when a state is loaded
                self.state[weight] = {"step": torch.tensor(0.0), "momentum": torch.zeros_like(weight)}
        momenta = [self.state[weight]["momentum"] for weight in weights]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        torch._foreach_lerp_(gradients, momenta, MOMENTUM)
        return gradients


def fastest(device: torch.device) -> torch.dtype:
    """The precision in which rough products take least time: bfloat16, or single on processors without AVX-512.

    A product of two 384 x 384 in bfloat16 took 37 times as long on one with AVX2 only.
    """
    native = device.type != "cpu" or torch.backends.cpu.get_cpu_capability() == "AVX512"
    return torch.bfloat16 if native else torch.float32


def orthogonal(matrices: Sequence[Tensor]) -> list[Tensor]:
    """About U V' of each of some matrices (m, n) = U S V', by Newton-Schulz iteration: most of S come near 1.

    The result is rough in any precision, so that it is computed in the fastest one. Those with equally many rows, or
    columns, go together, filled up with zeros, which stay zeros: fewer products, and a quarter less time.
    """
    alike: dict[int, list[int]] = {}
    for i, matrix in enumerate(matrices):
        alike.setdefault(min(matrix.shape), []).append(i)
    found: dict[int, Tensor] = {}
    for height, members in alike.items():
        width = max(max(matrices[i].shape) for i in members)
        device = matrices[members[0]].device
        x = torch.zeros(len(members), max(height, WIDE), width, dtype=fastest(device), device=device)
        for place, i in zip(x, members, strict=True):
            _lying(place, matrices[i]).copy_(matrices[i])
        x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
        for _ in range(ITERATIONS):
            gram = x @ x.mT
            x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
        found |= {i: _lying(place, matrices[i]).to(matrices[i].dtype) for place, i in zip(x, members, strict=True)}
    return [found[i] for i in range(len(matrices))]


def _lying(place: Tensor, matrix: Tensor) -> Tensor:
    """The part of `place` that holds `matrix`, seen in its shape."""
    rows, columns = matrix.shape
    return place[:columns, :rows].mT if rows > columns else place[:rows, :columns]
