"""The layers, built by hand: torch supplies parameters, gradients and devices; the mathematics is written out here.

Conventions. Features stand last: (N, C), or (N, T, C) where a window of T letters is still apart. Weights are
(in, out), so a layer reads `x @ weight + bias`. Every layer that starts from random numbers has `reset(generator)`.

Layers of a causal stack work on *packed* names: all names of a batch end to end, x (N, C), with `positions` (N,) the
place of each row in its name. Reading d places back is a shift by d rows, masked where the name had not begun.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Embedding(nn.Module):
    """A row of numbers for each letter: letters (...) of whole numbers below `letters` -> (..., features).

    Equals torch.nn.Embedding. Bengio et al. 2003, https://www.jmlr.org/papers/v3/bengio03a.html
    """

    def __init__(self, letters: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(letters, features))
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        self.weight.data.normal_(generator=generator)

    def forward(self, letters: Tensor) -> Tensor:
        # The gradient of index_select is summed in one fixed order; that of weight[letters] in the order in which
        # threads happen to arrive, so that no two runs on two cores would be equal.
        return self.weight.index_select(0, letters.flatten()).view(*letters.shape, -1)

    def extra_repr(self) -> str:
        return "{} × {}".format(*self.weight.shape)


class LabelEmbedding(nn.Module):
    """What is told of a name as one vector: labels (B, C) -> (B, features), the sum of one row for each of C labels.

    Label c is a whole number up to `classes[c]`. Number 0 means that it is not known, and has a row of its own that
    is learned like any other. The h of WaveNet's global conditioning, https://arxiv.org/abs/1609.03499, section 2.5.
    """

    def __init__(self, classes: Sequence[int], features: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(Embedding(count + 1, features) for count in classes)

    def forward(self, labels: Tensor) -> Tensor:
        rows = [table(column) for table, column in zip(self.tables, labels.unbind(1), strict=True)]
        return torch.stack(rows).sum(0)


ROWS = 64
"""A product of so many rows, or a multiple, goes to oneDNN; those who make batches use `filled_up`."""
ONEDNN = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512") and hasattr(
    torch.ops.mkldnn, "_linear_pointwise"
)
"""Whether torch has oneDNN here, with programs for this processor."""


def filled_up(rows: int) -> int:
    """The next multiple of `ROWS`, so that few shapes recur; fewer rows than that are left as they are."""
    return rows if rows < ROWS else rows + -rows % ROWS


def product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Rows times a matrix, x @ weight + bias: (N, in), (in, out), (out,) -> (N, out)."""
    if ONEDNN and len(x) and len(x) % ROWS == 0 and x.device.type == "cpu" and x.dtype == torch.float32:
        return cast(Tensor, _Product.apply(x, weight, bias))  # type: ignore[no-untyped-call]
    return torchs_product(x, weight, bias)


UNEVEN, WIDE = (5, 6, 7, 9, 10, 11), 16
"""With so many rows, or features in the gradient of the weight, MKL's products have other bits with two threads than
with one; with as many zeros as make them `WIDE` they have not."""


def torchs_product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The same by torch's own product, for few rows; the bias may be (N, out) too. `UNEVEN` sizes are filled up."""
    rows, features = x.shape
    more_rows, more_features = (
        WIDE - size if size in UNEVEN and x.device.type == "cpu" else 0 for size in (rows, features)
    )
    if more_rows or more_features:
        x = nn.functional.pad(x, (0, more_features, 0, more_rows))
    if more_features:
        weight = nn.functional.pad(weight, (0, 0, 0, more_features))
    if more_rows and bias is not None and bias.dim() == 2:
        bias = nn.functional.pad(bias, (0, 0, 0, more_rows))
    return (x @ weight if bias is None else torch.addmm(bias, x, weight))[:rows]


SUMMED = 8192
"""Rows that are summed at a time: torch and oneDNN may share longer sums among threads, in as many parts as these."""


def total(x: Tensor) -> Tensor:
    """The sum of all numbers of x (N, ...), a scalar, in the same order with any number of threads."""
    return reduce(torch.add, [part.sum() for part in torch.split(x, SUMMED)])


class _Product(torch.autograd.Function):
    """The product by oneDNN, which comes with torch for PCs, and its gradient written out::

        dL/dx = dL/dy weight^T        dL/dweight = x^T dL/dy        dL/dbias = sum over rows of dL/dy

    torch multiplies single precision by MKL, which leaves half of the width of AMD's processors unused; oneDNN is
    twice as fast there (on others this was not measured). It builds a program for each shape, though, which takes as
    long as two products, so the number of rows must not change from batch to batch: hence `ROWS`. Sums over rows are
    taken `SUMMED` at a time, so that one thread and two give the same bits.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _onednn(x, weight.t(), bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        x, weight = ctx.saved_tensors
        parts = torch.split(grad, SUMMED)
        dweight = reduce(torch.add, map(_Product._outer, torch.split(x, SUMMED), parts))
        dbias = reduce(torch.add, [part.sum(0) for part in parts]) if ctx.needs_input_grad[2] else None
        return _onednn(grad, weight), dweight, dbias

    @staticmethod
    def _outer(x: Tensor, grad: Tensor) -> Tensor:
        """x^T grad: (N, in), (N, out) -> (in, out)."""
        if 1 in (x.shape[1], grad.shape[1]):  # oneDNN shares even short sums of these among threads
            return (x * grad).sum(0).view(x.shape[1], grad.shape[1])
        if x.shape[1] <= grad.shape[1]:  # oneDNN lays its first matrix out anew: better the narrower one
            return _onednn(x.t(), grad.t())
        return _onednn(grad.t(), x.t()).t()


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The plain x @ weight^T + bias, of oneDNN's many products with something done to the result."""
    return cast(Tensor, torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], ""))


class Linear(nn.Module):
    """x @ weight + bias: (..., in_features) -> (..., out_features).

    Equals torch.nn.Linear, whose weight is the transpose of this one. The start weights are normal with spread
    `gain` / sqrt(in_features), so that what comes out is as wide as what went in (He et al. 2015,
    https://arxiv.org/abs/1502.01852); `init="normal"` is the notebook's: plain normal, bias too.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        gain: float = 1.0,
        init: str = "scaled",
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.gain, self.init = gain, init
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        scale = self.gain / math.sqrt(self.weight.shape[0]) if self.init == "scaled" else 1.0
        self.weight.data.normal_(0.0, scale, generator=generator)
        if self.bias is not None:
            if self.init == "scaled":
                self.bias.data.zero_()
            else:
                self.bias.data.normal_(generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 2:
            return product(x, self.weight, self.bias)
        return product(x.flatten(0, -2), self.weight, self.bias).view(*x.shape[:-1], -1)

    def extra_repr(self) -> str:
        return "{} → {}".format(*self.weight.shape)


class Flatten(nn.Module):
    """Lay a window's letters side by side: (N, T, C) -> (N, T * C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


class FlattenConsecutive(nn.Module):
    """Lay each `n` neighbours side by side: (N, T, C) -> (N, T / n, n * C); a single group loses its axis.

    makemore lecture 5, https://youtu.be/t3YJ5hKiMQ0
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def forward(self, x: Tensor) -> Tensor:
        names, letters, features = x.shape
        x = x.reshape(names, letters // self.n, features * self.n)
        return x.squeeze(1) if x.shape[1] == 1 else x

    def extra_repr(self) -> str:
        return f"{self.n}"


class BatchNorm1d(nn.Module):
    """Give each feature mean 0 and spread 1 over the batch, then scale and shift: (N, C) or (N, T, C), same out.

    In training the batch's own mean and variance are used and remembered; in evaluation the remembered ones. Equals
    torch.nn.BatchNorm1d: the batch is normalised with the biased variance, the remembered variance is unbiased, and
    `momentum` is the share of the new batch. (The lecture normalises with the unbiased variance and momentum 0.001
    to 0.1.) Unlike torch, features stand last, and with (N, T, C) the mean runs over N and T; a single row, which
    torch refuses in training, counts as one without spread.

    Rows that are all places of `whole` names are another matter: a mean over them would tell a name's first letters
    of its last ones, and what predicts would have seen what it is to predict. There training too normalises by what
    is remembered, as by constants, and remembers the batch afterwards. Better to train on windows drawn one by one.

    Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.gamma = nn.Parameter(torch.ones(features))
        self.beta = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor, whole: bool = False) -> Tensor:
        mean, var = self.running_mean, self.running_var
        if self.training:
            batch_var, batch_mean = torch.var_mean(
                x.detach() if whole else x, dim=tuple(range(x.dim() - 1)), correction=0
            )
            if not whole:
                mean, var = batch_mean, batch_var
        out = (x - mean) * (torch.rsqrt(var + self.eps) * self.gamma) + self.beta
        if self.training:
            self._remember(batch_mean.detach(), batch_var.detach(), x.numel() // x.shape[-1])
        return out

    def _remember(self, mean: Tensor, var: Tensor, count: int) -> None:
        unbiased = var * (count / max(count - 1, 1))
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(unbiased, self.momentum)


class LayerNorm1d(nn.Module):
    """Give the features of each row mean 0 and spread 1, then scale and shift: (..., C), same out.

    Equals torch.nn.LayerNorm: divided by sqrt(biased variance + eps). (The notebook divides by the unbiased standard
    deviation + 1e-8.) Ba et al. 2016, https://arxiv.org/abs/1607.06450
    """

    def __init__(self, features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(features))
        self.beta = nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, _LayerNorm.apply(x, self.gamma, self.beta, self.eps))  # type: ignore[no-untyped-call]


class _LayerNorm(torch.autograd.Function):
    """y = gamma * h + beta, h = (x - mean) / sqrt(var + eps), with its gradient written out.

    With G = dL/dy * gamma, all means over the features of a row::

        dL/dx = (G - mean(G) - h * mean(G * h)) / sqrt(var + eps)

    the last two terms because each feature moves the mean and the spread of its whole row. In one piece it keeps h
    alone for the way back, and two means are fifteen times as fast as torch.var_mean over short rows.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
        h = x - x.mean(-1, keepdim=True)
        scale = torch.rsqrt((h * h).mean(-1, keepdim=True) + eps)
        h *= scale
        ctx.save_for_backward(h, scale, gamma)
        return torch.addcmul(beta, h, gamma)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        h, scale, gamma = ctx.saved_tensors
        rows, share, moved = tuple(range(grad.dim() - 1)), gamma / gamma.numel(), grad * h
        mean, turn = (grad @ share).unsqueeze(-1), (moved @ share).unsqueeze(-1)  # mean(G), mean(G * h)
        dx = torch.addcmul(-mean, grad, gamma).addcmul_(h, turn, value=-1).mul_(scale)
        return dx, moved.sum(rows), grad.sum(rows), None


class Tanh(nn.Module):
    """Squash each number into (-1, 1).

    Equals torch.nn.Tanh to some 2e-7, so that of numbers near 0 only the first digits are the same.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.numel() % ROWS:
            return torch.tanh(x)
        return cast(Tensor, _Tanh.apply(x))  # type: ignore[no-untyped-call]


class _Tanh(torch.autograd.Function):
    """t = tanh(x) as 2 sigmoid(2 x) - 1: torch's sigmoid is ten times as fast as its tanh. dL/dx = dL/dt (1 - t * t).

    torch.sigmoid rounds differently in the last few numbers of a thread's share, fewer than half of `ROWS`. Where the
    shares of one thread and of two are multiples of that, as in filled-up batches, there are none, and both give the
    same bits.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        t = (2 * x).sigmoid_().mul_(2).sub_(1)
        ctx.save_for_backward(t)
        return t

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return cast(Tensor, torch.ops.aten.tanh_backward(grad, *ctx.saved_tensors))  # the formula above, in one sweep


def sigmoid(x: Tensor) -> Tensor:
    """Squash each number into (0, 1), as (1 + tanh(x / 2)) / 2.

    torch.sigmoid rounds differently where a thread's share of the numbers ends; tanh does not, so one thread and two
    give the same run.
    """
    return 0.5 * torch.tanh(0.5 * x) + 0.5


class GELU(nn.Module):
    """x times the chance that a normal number is below x, by its approximation with tanh, as in GPT-2.

    Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415
    """

    def forward(self, x: Tensor) -> Tensor:
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
        return 0.5 * x * (1 + torch.tanh(inner))


class ReLU(nn.Module):
    """Keep what is positive, 0 elsewhere."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x)  # equal to clamp_min(0), whose gradient takes twenty times as long


class Dropout(nn.Module):
    """In training, set each number to 0 with probability `share` and scale the rest by 1 / (1 - share).

    Draws from `generator`, its own, so that runs side by side in one process do not disturb each other's dice.
    Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.share == 0:
            return x
        return x * self._kept(x).to(x.dtype).div_(1 - self.share)

    def _kept(self, x: Tensor) -> Tensor:
        """One coin for each number of x: True with probability 1 - share."""
        if x.device.type != "cpu":
            return torch.rand(x.shape, device=x.device, generator=self.generator) >= self.share
        # One draw of 64 bits is good for four coins: shares are kept to 1 in 65,536, five times as fast.
        words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None, generator=self.generator)
        coins = words.view(torch.int16)[: x.numel()].view(x.shape)
        return coins >= round(self.share * 2**16) - 2**15

    def extra_repr(self) -> str:
        return f"{self.share:g}"


class Softmax(nn.Module):
    """Logits to probabilities along the last axis: (..., V) -> (..., V), each row summing to 1.

    The largest logit is subtracted first: exp() of 1,000 is infinite, of 0 it is 1, and the result is the same.
    """

    def forward(self, logits: Tensor) -> Tensor:
        weights = (logits - logits.amax(dim=-1, keepdim=True)).exp()
        return weights / weights.sum(dim=-1, keepdim=True)


def log_softmax(logits: Tensor) -> Tensor:
    """Logarithms of the softmax, stable for large logits: (..., V) -> (..., V), in nats."""
    shifted = logits - logits.amax(dim=-1, keepdim=True).detach()
    return shifted - shifted.exp().sum(dim=-1, keepdim=True).log()


class CrossEntropyLoss(nn.Module):
    """Mean surprise at the right letters, in nats: logits (N, V), targets (N,) -> scalar. Stable for large logits."""

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        return -total(log_softmax(logits).gather(1, targets.unsqueeze(1))) / len(targets)


class Sequential(nn.Module):
    """Layers one after the other; a BatchNorm1d among them is told whether the rows are places of `whole` names."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, whole: bool = False) -> Tensor:
        for layer in self.layers:
            x = layer(x, whole) if isinstance(layer, BatchNorm1d) else layer(x)
        return x


# ---------------------------------------------------------------------------------- causal layers


def neighbours(x: Tensor, positions: Tensor, distances: tuple[int, ...], pad: Tensor | None = None) -> Tensor:
    """What each row's name held so many places earlier, for each of `distances`, and the row itself, side by side.

    x (N, C), positions (N,) -> (N, (len(distances) + 1) * C); `pad` (C,) or zeros where the name had not begun.
    """
    return cast(Tensor, _Neighbours.apply(x, positions, distances, pad))  # type: ignore[no-untyped-call]


class _Neighbours(torch.autograd.Function):
    """Each neighbour is laid once where it will stay, and its gradient added once where it came from."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, positions: Tensor, distances: tuple[int, ...], pad: Tensor | None) -> Tensor:
        rows, features = x.shape
        out = x.new_empty(rows, (len(distances) + 1) * features)
        *earlier, own = out.chunk(len(distances) + 1, dim=1)
        own.copy_(x)
        begun = [(positions >= distance).to(x.dtype).unsqueeze(1) for distance in distances]
        for distance, inside, part in zip(distances, begun, earlier, strict=True):
            part[:distance] = 0
            torch.mul(x[: max(rows - distance, 0)], inside[distance:], out=part[distance:])
            if pad is not None:  # a sum, of which one part is zero: torch.where takes five times as long
                part.addcmul_(1 - inside, pad)
        ctx.save_for_backward(*begun)
        ctx.distances, ctx.padded = distances, pad is not None
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, Tensor | None]:
        rows = len(grad)
        *earlier, own = grad.chunk(len(ctx.distances) + 1, dim=1)
        dx = own.clone(memory_format=torch.contiguous_format)
        dpad = torch.zeros_like(dx[0]) if ctx.padded else None
        for distance, inside, part in zip(ctx.distances, ctx.saved_tensors, earlier, strict=True):
            dx[: max(rows - distance, 0)].addcmul_(part[distance:], inside[distance:])
            if dpad is not None:
                dpad += (1 - inside.squeeze(1)) @ part
        return dx, None, None, dpad


Queue = tuple[Tensor, ...]
"""The last inputs of a causal convolution, one (B, in) a place, oldest first."""


class CausalConv1d(nn.Module):
    """A convolution that looks back only: y[t] = bias + sum over j of x[t - j * dilation] @ tap j, j < kernel.

    Packed names in, packed names out: x (N, in), positions (N,) -> (N, out). The weight (kernel * in, out) holds the
    taps one under the other, oldest first, so it is at once the weight of a Linear over neighbours laid side by
    side: that is why a tree of FlattenConsecutive and a dilated stack can share weights. Equals torch.nn.Conv1d with
    (kernel - 1) * dilation zeros put before each name. van den Oord et al. 2016, https://arxiv.org/abs/1609.03499
    """

    def __init__(
        self, in_features: int, out_features: int, kernel: int = 2, dilation: int = 1, *, bias: bool = True,
        gain: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.in_features, self.kernel, self.dilation = in_features, kernel, dilation
        self.linear = Linear(kernel * in_features, out_features, bias=bias, gain=gain)

    def extra_repr(self) -> str:
        return f"kernel {self.kernel}, dilation {self.dilation}"

    @property
    def reach(self) -> int:
        """Places that the layer looks back."""
        return (self.kernel - 1) * self.dilation

    def forward(self, x: Tensor, positions: Tensor, pad: Tensor | None = None) -> Tensor:
        distances = tuple(j * self.dilation for j in range(self.kernel - 1, 0, -1))
        return cast(Tensor, self.linear(neighbours(x, positions, distances, pad)))

    def queue(self, batch_size: int, pad: Tensor | None = None) -> Queue:
        """The memory before the first letter: `reach` times (B, in), zeros or `pad` (in,)."""
        empty = self.linear.weight.new_zeros(self.in_features) if pad is None else pad
        return (empty.expand(batch_size, self.in_features),) * self.reach

    def step(self, x: Tensor, queue: Queue) -> tuple[Tensor, Queue]:
        """One place forward: x (B, in) and the last `reach` inputs, oldest first -> y (B, out) and the new queue.

        The oldest leaves and x joins: what is remembered is handed on, and never copied.
        """
        taps = queue[:: self.dilation]
        return self.linear(torch.cat([*taps, x], dim=1)), (*queue, x)[1:]


class GatedActivation(nn.Module):
    """tanh(filter) * sigmoid(gate): (..., 2 D), filter first, -> (..., D). WaveNet, equation 2."""

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, _Gate.apply(x))  # type: ignore[no-untyped-call]


class _Gate(torch.autograd.Function):
    """z = t * s with t = tanh(filter), s = sigmoid(gate), and its gradient written out::

        dL/dfilter = dL/dz * s * (1 - t * t)        dL/dgate = dL/dz * t * s * (1 - s)

    tanh(f) is 2 sigmoid(2 f) - 1, and torch's sigmoid is ten times as fast as its tanh: one sigmoid of all 2 D does.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        both = x.clone()
        t, s = both.chunk(2, dim=-1)
        t.mul_(2)
        both.sigmoid_()
        t.mul_(2).sub_(1)
        ctx.save_for_backward(both)
        return t * s

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        t, s = ctx.saved_tensors[0].chunk(2, dim=-1)
        to_both = torch.empty_like(ctx.saved_tensors[0])
        to_filter, to_gate = to_both.chunk(2, dim=-1)
        # Each of the two formulas above in one sweep, where it will stay.
        torch.ops.aten.tanh_backward(torch.mul(grad, s, out=to_filter), t, grad_input=to_filter)
        torch.ops.aten.sigmoid_backward(torch.mul(grad, t, out=to_gate), s, grad_input=to_gate)
        return to_both


CONDITION_GAIN = 0.3
"""What is told of a name starts as a whisper beside its letters."""


class ResidualSkipBlock(nn.Module):
    """One layer of WaveNet.

          x ──┬── causal conv, dilation d ── tanh * sigmoid ──┬── 1×1 ── + ── x'
              └───────────────────────────────────────────────│─────────┘
                                                              └── 1×1 ── skip

    x (N, R), positions (N,) -> x' (N, R), skip (N, S). Filter and gate are one product R -> 2 D, the two 1×1 are one
    product D -> R + S. The last block has no x': nothing would read it.

    With `told` features known of each name, h, `condition` gives V h (B, 2 D), which is then added inside tanh and
    sigmoid at each letter of the name. A block that is not `gated` has tanh alone, and D where this says 2 D.
    """

    def __init__(
        self,
        residual: int,
        gate: int,
        skip: int,
        dilation: int,
        *,
        gated: bool = True,
        dropout: float = 0.0,
        last: bool = False,
        told: int = 0,
    ) -> None:
        super().__init__()
        self.last = last
        width = 2 * gate if gated else gate
        self.conv = CausalConv1d(residual, width, kernel=2, dilation=dilation)
        self.activation = GatedActivation() if gated else Tanh()
        self.dropout = Dropout(dropout)
        self.mix = Linear(gate, skip if last else residual + skip)
        self.skip = skip
        self.condition = Linear(told, width, bias=False, gain=CONDITION_GAIN) if told else None

    def forward(self, x: Tensor, positions: Tensor, told: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """`told` (N, 2 D) is V h of the name that each row belongs to."""
        y = self.conv(x, positions)
        return self._out(x, y if told is None else y + told)

    def step(self, x: Tensor, queue: Queue, told: Tensor | None = None) -> tuple[Tensor, Tensor, Queue]:
        """One place forward: x (B, R), the conv's queue, V h (B, 2 D) -> x' (B, R), skip (B, S), new queue."""
        y, queue = self.conv.step(x, queue)
        return *self._out(x, y if told is None else y + told), queue

    def _out(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        mixed = self.mix(self.dropout(self.activation(y)))
        if self.last:
            return x, mixed
        skip, more = mixed.split([self.skip, x.shape[1]], dim=1)
        return x + more, skip


# ---------------------------------------------------------------------------------- recurrent cells


class RNNCell(nn.Module):
    """h' = tanh(W [x, h] + b): x (B, E), memory h (B, H) -> (B, H).

    Equals torch.nn.RNNCell, whose two biases are one here. Elman 1990, https://doi.org/10.1207/s15516709cog1402_1

    For many letters in a row the product is taken apart: `read` is the part of x, which needs no memory, for all
    letters at once; `turn` adds the part of h.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.features = features
        self.mix = Linear(features + hidden, hidden)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return torch.tanh(self.mix(torch.cat([x, h], dim=1)))

    def read(self, x: Tensor) -> Tensor:
        """What x (N, E) brings: (N, H)."""
        return torchs_product(x, self.mix.weight[: self.features], self.mix.bias)

    def turn(self, brought: Tensor, h: Tensor, seen: Tensor) -> Tensor:
        """H' from what x brings and `seen`, which is h (B, H), or what dropout leaves of it."""
        return torch.tanh(torchs_product(seen, self.mix.weight[self.features :], brought))


class GRUCell(nn.Module):
    """A memory with gates: x (B, E), memory h (B, H) -> (B, H), as in makemore::

        z, r = sigmoid(W [x, h] + b)            z: how much is rewritten; r: what of the memory is looked at
        h' = (1 - z) * h + z * tanh(W' [x, r * h] + b')

    torch.nn.GRUCell applies r after the product with h, not before, and has 1 - z for z. `read` and `turn` as in
    `RNNCell`. Cho et al. 2014, https://arxiv.org/abs/1406.1078
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.features = features
        self.gates = Linear(features + hidden, 2 * hidden)
        self.candidate = Linear(features + hidden, hidden)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        z, r = sigmoid(self.gates(torch.cat([x, h], dim=1))).chunk(2, dim=1)
        new = torch.tanh(self.candidate(torch.cat([x, r * h], dim=1)))
        return h + z * (new - h)

    def read(self, x: Tensor) -> Tensor:
        """What x (N, E) brings to z, r and the candidate: (N, 3 H)."""
        weight = torch.cat([self.gates.weight[: self.features], self.candidate.weight[: self.features]], dim=1)
        bias = torch.cat([cast(Tensor, self.gates.bias), cast(Tensor, self.candidate.bias)])
        return torchs_product(x, weight, bias)

    def turn(self, brought: Tensor, h: Tensor, seen: Tensor) -> Tensor:
        """H' from h (B, H), what x brings, and `seen`: h, or what dropout lets gates and candidate see of it."""
        to_gates, to_candidate = brought.tensor_split([2 * h.shape[1]], dim=1)
        z, r = sigmoid(torchs_product(seen, self.gates.weight[self.features :], to_gates)).chunk(2, dim=1)
        new = torch.tanh(torchs_product(r * seen, self.candidate.weight[self.features :], to_candidate))
        return h + z * (new - h)


# ---------------------------------------------------------------------------------- attention


class NamesInRows:
    """Packed names laid out one a row, (B, T), for the one step in which the letters of a name meet: attention.

    positions (N,), offsets (B+1,) as in a packed batch; `block` letters are in sight of each, itself included.
    Products with weights stay packed; only those of letters with letters are padded, a small part of the whole.
    """

    def __init__(self, positions: Tensor, offsets: Tensor, block: int) -> None:
        self.names, self.longest = len(offsets) - 1, int(positions.max()) + 1 if len(positions) else 0
        name = torch.arange(self.names, device=positions.device).repeat_interleave(
            offsets.diff(), output_size=len(positions)
        )
        self.places = name * self.longest + positions
        """(N,) where each packed row stands in the rows of names laid end to end."""
        back = torch.arange(self.longest, device=positions.device)
        back = back.unsqueeze(1) - back
        self.hidden = (back < 0) | (back >= block)
        """(T, T) which letters (columns) each letter (row) may not see."""

    def spread(self, x: Tensor) -> Tensor:
        """(N, C) -> (B, T, C), zeros where a name has ended."""
        rows = x.new_zeros(self.names * self.longest, x.shape[1]).index_copy(0, self.places, x)
        return rows.view(self.names, self.longest, -1)

    def pack(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (N, C)."""
        return x.flatten(0, 1).index_select(0, self.places)


class CausalSelfAttention(nn.Module):
    """Each letter puts a question to the letters before it and to itself, and takes in what those that fit hold.

    x (N, C) -> (N, C), C = heads * size: softmax(questions · keys / sqrt(size)) · values in each head, then a
    Linear over the heads side by side. Equals torch.nn.functional.scaled_dot_product_attention between the two
    Linears. Vaswani et al. 2017, https://arxiv.org/abs/1706.03762
    """

    def __init__(self, features: int, heads: int, block: int, *, gain: float = 1.0) -> None:
        super().__init__()
        self.heads, self.block = heads, block
        self.ask = Linear(features, 3 * features)
        self.softmax = Softmax()
        self.mix = Linear(features, features, gain=gain)

    def forward(self, x: Tensor, rows: NamesInRows) -> Tensor:
        questions, keys, values = rows.spread(self.ask(x)).chunk(3, dim=2)
        return cast(Tensor, self.mix(rows.pack(self._meet(questions, keys, values, rows.hidden))))

    def step(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """One place forward: x (B, C), keys and values of the last places (B, T, 2 C) -> y (B, C), new past."""
        question, own = self.ask(x).tensor_split([x.shape[1]], dim=1)
        past = torch.cat([past, own.unsqueeze(1)], dim=1)
        y = self._meet(question.unsqueeze(1), *past.chunk(2, dim=2))
        return self.mix(y.squeeze(1)), past[:, max(past.shape[1] - self.block + 1, 0) :]

    def _meet(self, questions: Tensor, keys: Tensor, values: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Questions (B, S, C), keys and values (B, T, C) -> answers (B, S, C)."""
        shape = (len(keys), -1, self.heads, keys.shape[2] // self.heads)
        q, k, v = (each.reshape(shape).transpose(1, 2) for each in (questions, keys, values))
        fit = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])  # (B, heads, S, T)
        if hidden is not None:
            fit = fit.masked_fill(hidden, -torch.inf)
        answers: Tensor = self.softmax(fit) @ v
        return answers.transpose(1, 2).flatten(2)


class TransformerBlock(nn.Module):
    """One layer, as in GPT-2.

          x ──┬── LayerNorm ── attention ── + ──┬── LayerNorm ── Linear ── GELU ── Linear ── + ── x'
              └─────────────────────────────┘   └──────────────────────────────────────────┘

    x (N, C) -> x' (N, C). `gain` scales what is added to x, so that many layers do not add up to much at the start.
    """

    def __init__(self, features: int, heads: int, block: int, *, gain: float = 1.0) -> None:
        super().__init__()
        self.norm1, self.norm2 = LayerNorm1d(features), LayerNorm1d(features)
        self.attention = CausalSelfAttention(features, heads, block, gain=gain)
        self.mlp = Sequential(Linear(features, 4 * features), GELU(), Linear(4 * features, features, gain=gain))

    def forward(self, x: Tensor, rows: NamesInRows) -> Tensor:
        x = x + self.attention(self.norm1(x), rows)
        return cast(Tensor, x + self.mlp(self.norm2(x)))

    def step(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """One place forward: x (B, C) and the attention's past -> x' (B, C), new past."""
        y, past = self.attention.step(self.norm1(x), past)
        x = x + y
        return x + self.mlp(self.norm2(x)), past
