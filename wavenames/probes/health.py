"""Whether a network is well: what its layers say, what flows back through them, how far a step moves its weights.

One look takes one batch forward and back, as in training but without dropout, so that it throws no dice. It leaves
the model as it was: no gradient is kept, and what BatchNorm remembers is put back. The figures are those of makemore
lecture 3, https://youtu.be/P6sfmUTpUmc
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from wavenames.layers import GELU, BatchNorm1d, CrossEntropyLoss, GatedActivation, GRUCell, ReLU, Tanh
from wavenames.models import Model, Recurrent, WaveNet
from wavenames.names import Batch
from wavenames.probes.listening import as_in_training, gates_of, listening, modules, spoken

Kind = Literal["tanh", "sigmoid", "relu", "gelu"]
Array = npt.NDArray[np.floating]

BINS = 40
RANGES: dict[Kind, tuple[float, float]] = {"tanh": (-1, 1), "sigmoid": (0, 1), "relu": (0, 5), "gelu": (-1, 5)}
"""What the bins of a histogram of activations span; what lies beyond counts in the last one."""
GRADIENTS = (-10.0, 0.0)
"""What the bins of a histogram of log10 |gradient| span; a gradient of 0 counts in the first one."""
TANH_ENDS, GATE_ENDS, GELU_ENDS = 0.97, 0.03, 0.005
"""Saturated is a tanh beyond ± the first, a gate nearer than the second to 0 or 1, a GELU than the third to 0."""
UNMOVED = -12.0
"""Stands for log10 update:data of a matrix that did not move at all."""
PLACES = 12
"""Places of a name that are told apart; the last one stands for all that follow too."""


@dataclass(frozen=True, eq=False)
class Flow:
    """Gradients of the loss, nats per letter, with respect to some numbers."""

    mean: float
    spread: float
    histogram: Array
    """(BINS,) share of them by log10 of their size, over `GRADIENTS`."""


@dataclass(frozen=True, eq=False)
class Layer:
    """What one activation says over a batch."""

    name: str
    kind: Kind
    mean: float
    """Of a gate: its openness."""
    spread: float
    saturated: float
    """Share of values where the slope is next to nothing: tanh and gates near their ends, ReLU and GELU at 0."""
    histogram: Array
    """(BINS,) share of values, over `RANGES` of the kind; those that a ReLU holds at 0 are in no bin."""
    dead: float
    """Share of units that never act: always at 0 (ReLU, GELU), or always at the same end (tanh, gates)."""
    idle: Array
    """(units, places) how often each unit is saturated at each place of a name, as a share."""
    gradient: Flow | None
    """With respect to what the layer says; None where it is not followed (gates of a recurrent cell)."""


@dataclass(frozen=True, eq=False)
class Weight:
    """One matrix of weights."""

    name: str
    shape: tuple[int, int]
    spread: float
    gradient: Flow
    update: float | None
    """log10 of the spread of the last step's change to the spread of the weights; None where no step was seen."""

    @property
    def ratio(self) -> float:
        """Gradient to data: the spread of the gradient to the spread of the weights."""
        return self.gradient.spread / self.spread if self.spread else math.nan


@dataclass(frozen=True, eq=False)
class Norm:
    """What enters a BatchNorm, feature by feature (U,): as this batch has it, and as the layer remembers it."""

    name: str
    batch_mean: Array
    batch_spread: Array
    running_mean: Array
    running_spread: Array

    @property
    def gap(self) -> float:
        """How far the means are apart, in spreads of the batch: root mean square over features."""
        return float(np.sqrt(np.mean(((self.running_mean - self.batch_mean) / self.batch_spread) ** 2)))

    @property
    def stretch(self) -> float:
        """By which factor the spreads differ, 1 for not at all: root mean square over features of the logarithm."""
        return float(np.exp(np.sqrt(np.mean(np.log(self.running_spread / self.batch_spread) ** 2))))


@dataclass(frozen=True, eq=False)
class Health:
    """One look at a network."""

    loss: float
    """Of the batch, nats per letter, without dropout."""
    layers: tuple[Layer, ...]
    weights: tuple[Weight, ...]
    norms: tuple[Norm, ...]


def matrices(model: Model) -> dict[str, Tensor]:
    """The weight matrices of a model by the name of the parameter; kept by reference, not copied."""
    return {name: each for name, each in model.named_parameters() if each.dim() == 2}


def copied(model: Model) -> dict[str, Tensor]:
    """The weight matrices as they are now, to hold a later step against."""
    return {name: each.detach().clone() for name, each in matrices(model).items()}


def examine(model: Model, batch: Batch, before: Mapping[str, Tensor] | None = None) -> Health:
    """Look at a model that is trained by gradients, on a batch of whole names.

    Args:
        model: In any mode; it comes out as it went in, bit for bit.
        batch: All of its targets count; `batch.rows` must be None.
        before: The weight matrices before the last step of training, see `copied`.
    """
    with as_in_training(model), listening(model) as heard, torch.enable_grad():
        loss = CrossEntropyLoss()(model(batch), batch.targets)
        values = {name: said for name, said in heard.items() if said.requires_grad}
        weights = matrices(model)
        flows = torch.autograd.grad(loss, [*values.values(), *weights.values()], allow_unused=True)
    flowing = dict(zip(values, flows, strict=False))
    with torch.no_grad():
        layers = tuple(_layers(model, batch, {name: said.detach() for name, said in heard.items()}, flowing))
        matrix = tuple(
            _weight(spoken(model, name), weight.detach(), flow, None if before is None else before[name])
            for (name, weight), flow in zip(weights.items(), flows[len(values) :], strict=True)
        )
        norms = tuple(
            _norm(f"layer {number}", norm, heard[name].detach())
            for number, (name, norm) in enumerate(modules(model, BatchNorm1d), start=1)
        )
    return Health(float(loss.detach()), layers, matrix, norms)


def _layers(
    model: Model, batch: Batch, heard: Mapping[str, Tensor], flowing: Mapping[str, Tensor | None]
) -> Iterator[Layer]:
    """Each activation, from the letters upwards."""
    rows, places = len(batch.targets), batch.positions.clamp(max=PLACES - 1)
    at_place = torch.nn.functional.one_hot(places, PLACES).float()
    at_place = at_place / at_place.sum(0).clamp(min=1)
    at_place = at_place[:, : int(places.max()) + 1]

    def layer(name: str, kind: Kind, said: Tensor, flow: Tensor | None) -> Layer:
        return _layer(name, kind, said[:rows], None if flow is None else flow[:rows], at_place)

    kinds: dict[type[nn.Module], Kind] = {Tanh: "tanh", ReLU: "relu", GELU: "gelu"}
    within = "block" if isinstance(model, WaveNet) else "layer"
    parts: dict[Kind, str] = {"tanh": within, "relu": "head", "gelu": "block"}
    gated = modules(model, GatedActivation)
    for number, (name, _) in enumerate(gated, start=1):
        filters, gates = heard[f"{name} in"].chunk(2, dim=-1)
        t, s, flow = torch.tanh(filters), torch.sigmoid(gates), flowing[name]
        yield layer(f"block {number} filter", "tanh", t, None if flow is None else flow * s)
        yield layer(f"block {number} gate", "sigmoid", s, None if flow is None else flow * t)
    for each, kind in kinds.items():
        for number, (name, _) in enumerate(modules(model, each), start=1):
            yield layer(f"{parts[kind]} {number}", kind, heard[name], flowing[name])
    if isinstance(model, Recurrent):
        yield layer("memory", "tanh", heard["memory"], flowing["memory"])
        if isinstance(model.cell, GRUCell):
            for name, gate in zip(("rewrite", "look back"), gates_of(model, batch, heard["memory"]), strict=True):
                yield layer(f"{name} gate", "sigmoid", gate, None)


# ------------------------------------------------------------------------------------------------------- figures


def _layer(name: str, kind: Kind, said: Tensor, flow: Tensor | None, at_place: Tensor) -> Layer:
    """Figures of what was said, (N, U) or (N, T, U); `at_place` (N, P) averages over the rows at each place."""
    if kind == "tanh":
        low, high = said < -TANH_ENDS, said > TANH_ENDS
    elif kind == "sigmoid":
        low, high = said < GATE_ENDS, said > 1 - GATE_ENDS
    else:
        low = said <= 0 if kind == "relu" else said.abs() < GELU_ENDS
        high = torch.zeros_like(low)
    idle = (low | high).float()
    dead = low.flatten(0, -2).all(0) | high.flatten(0, -2).all(0)
    spread, mean = torch.std_mean(said)
    a_row = idle if idle.dim() == 2 else idle.mean(1)
    return Layer(
        name, kind, float(mean), float(spread), float(idle.mean()),
        _histogram(said[~low] if kind == "relu" else said, RANGES[kind], said.numel()),
        float(dead.float().mean()), (a_row.t() @ at_place).half().cpu().numpy(),
        None if flow is None else _flow(flow),
    )  # fmt: skip


def _weight(name: str, weight: Tensor, flow: Tensor | None, before: Tensor | None) -> Weight:
    spread, update = float(weight.std()), None
    if before is not None and spread > 0:
        moved = float((weight - before).std())
        update = math.log10(moved / spread) if moved > 0 else UNMOVED
    return Weight(
        name, (len(weight), weight.shape[1]), spread, _flow(torch.zeros(1) if flow is None else flow), update
    )


def _norm(name: str, norm: nn.Module, entering: Tensor) -> Norm:
    """`entering` is (N, U) or (N, T, U); both variances are unbiased, as BatchNorm remembers them."""
    norm = cast(BatchNorm1d, norm)
    var, mean = torch.var_mean(entering, dim=tuple(range(entering.dim() - 1)))
    spreads = ((each + norm.eps).sqrt().cpu().numpy() for each in (var, norm.running_var))
    batch_spread, running_spread = spreads
    return Norm(name, mean.cpu().numpy(), batch_spread, norm.running_mean.cpu().numpy().copy(), running_spread)


def _flow(gradient: Tensor) -> Flow:
    spread, mean = torch.std_mean(gradient, correction=0)
    sizes = gradient.abs().clamp(min=10 ** (GRADIENTS[0] - 1)).log10()
    return Flow(float(mean), float(spread), _histogram(sizes, GRADIENTS, sizes.numel()))


def _histogram(values: Tensor, ends: tuple[float, float], of: int) -> Array:
    """(BINS,) how many values lie in each of equal bins between two ends, or beyond that end, as a share `of` all."""
    low, high = ends
    counts = torch.histc(values.float().nan_to_num().clamp(low, high), BINS, low, high)
    return (counts / of).half().cpu().numpy()
