"""Who reads whom inside a model, and how strongly each node acts on a name.

A node is a layer at a place. Layer 0 is the letters, '.' first; the last layer is the next letter's distribution;
what lies between depends on the family. A node at place t reads nodes of the layer below at t and at fixed distances
before t. Those before the name, '.' or zeros by the family, count in a model's receptive field and are no nodes here.

What a node does is heard while the model itself runs: a copy of it, with hooks.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from wavenames.config import WaveNetConfig
from wavenames.layers import GRUCell, ResidualSkipBlock, Tanh, log_softmax, sigmoid
from wavenames.models import MLP, Dilated, Model, Recurrent, Transformer, Tree, WaveNet, dilated_from_tree
from wavenames.names import END_MARK, Batch, Packed, Vocabulary, told_numbers

Node = tuple[int, int]
"""Layer and place, both from 0."""


@dataclass(frozen=True)
class Layer:
    """A row of nodes, one a place, that all read alike."""

    title: str
    below: tuple[int, ...] = ()
    """How many places back it reads the layer below; 0 is its own place."""
    beside: tuple[int, ...] = ()
    """How many places back it reads its own layer: a memory that is carried on."""
    skips: bool = False
    """Whether the output reads it straight, past the layers above."""


@dataclass(frozen=True)
class Field:
    """What a node can depend on: nodes, itself among them, and the connections between them, reader last."""

    nodes: frozenset[Node]
    edges: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, eq=False)
class Wiring:
    """A model's connections over a name of T - 1 letters, so over T places, and what its nodes do there."""

    context: str
    """T letters that are read: '.', then the name."""
    layers: tuple[Layer, ...]
    """The letters, H layers between, the next letter."""
    measures: dict[str, Tensor]
    """(H, T) each: how strongly the nodes between act. Which there are depends on the model:

    "activation": mean |activation| of tanh layers and memories; of WaveNet the root mean square of tanh * sigmoid, or
    of tanh where it has no gates; of a Transformer that of what its layer adds.
    "gate": mean of sigmoid over a node's units, WaveNet's gate, or how much of its memory a GRU rewrites; 0 to 1.
    "skip": the part of the skip sum that is the layer's: its skip along the sum, by the sum's own length; a place's
    parts add up to 1, and one that works against the others is negative.
    """
    log_probabilities: Tensor
    """(T, V) of the next letter at each place."""

    def edges(self) -> tuple[tuple[Node, Node], ...]:
        """All connections within the name, reader last."""
        return tuple(
            (source, (layer, place))
            for layer in range(len(self.layers))
            for place in range(len(self.context))
            for source in self._sources(layer, place)
        )

    def field(self, layer: int, place: int) -> Field:
        """All that the node can depend on, found by going back along the connections."""
        nodes, edges, waiting = {(layer, place)}, [], [(layer, place)]
        while waiting:
            reader = waiting.pop()
            for source in self._sources(*reader):
                edges.append((source, reader))
                if source not in nodes:
                    nodes.add(source)
                    waiting.append(source)
        return Field(frozenset(nodes), tuple(sorted(edges)))

    def uses(self) -> Tensor:
        """(H, T) how many of the T predictions can depend on each node between."""
        counts = torch.zeros(len(self.layers), len(self.context), dtype=torch.long)
        for place in range(len(self.context)):
            for node in self.field(len(self.layers) - 1, place).nodes:
                counts[node] += 1
        return counts[1:-1]

    def _sources(self, layer: int, place: int) -> list[Node]:
        reads = self.layers[layer]
        found = [(layer - 1, place - back) for back in reads.below] + [(layer, place - back) for back in reads.beside]
        return [source for source in found if source[1] >= 0]


def wiring(model: Model, vocabulary: Vocabulary, name: str, told: Mapping[str, str] | None = None) -> Wiring:
    """The wiring of `model` over `name`, which may be empty, and what its nodes do there.

    Raises:
        Refusal: the name has a letter, or something is told, that the model doesn't know.
    """
    asked = copy.deepcopy(model).eval()
    packed = Packed([name], vocabulary, model.device, [told_numbers(model.conditions, told or {})])
    (batch,) = packed.all(1)
    with torch.no_grad():
        between, measures = _between(asked, batch)
        log_probabilities = log_softmax(asked(batch)).cpu()
    reads = (0,) if between else tuple(range(model.receptive_field))
    layers = (Layer("letters"), *between, Layer("next letter", reads))
    heard = {kind: torch.stack(rows)[:, : len(name) + 1].cpu() for kind, rows in measures.items()}
    return Wiring(END_MARK + name, layers, heard, log_probabilities)


Measures = dict[str, list[Tensor]]
"""For each kind of measure (T,) numbers a layer."""


def _between(model: Model, batch: Batch) -> tuple[list[Layer], Measures]:
    """The layers between letters and output; none in a model that counts."""
    match model:
        case WaveNet():
            return _wavenet(model, batch)
        case Dilated() | Tree() | MLP():
            return _squashed(model, batch)
        case Recurrent():
            return _recurrent(model, batch)
        case Transformer():
            window = tuple(range(model.block_size))
            layers = [Layer(f"block {i + 1}", window) for i in range(len(model.blocks))]
            heard = [out - inputs[0] for inputs, out in _heard(model, batch, model.blocks)]
            return layers, {"activation": [_rms(out) for out in heard]}
    return [], {}


def _squashed(model: Dilated | Tree | MLP, batch: Batch) -> tuple[list[Layer], Measures]:
    """Layers that end in tanh. All subtrees of one level are one function: the last of each window is its place's."""
    heard = [out for _, out in _heard(model, batch, _tanhs(model))]
    match model:
        case Dilated():
            layers = [Layer(f"dilation {conv.dilation}", (0, conv.dilation)) for conv in model._convs()]
        case Tree():
            layers = [Layer(f"level {level + 1}", (0, 2**level)) for level in range(len(heard))]
        case MLP():
            window = tuple(range(model.receptive_field))
            layers = [Layer(f"hidden {i + 1}", (0,) if i else window) for i in range(len(heard))]
    return layers, {"activation": [_size(out if out.dim() == 2 else out[:, -1]) for out in heard]}


def _wavenet(model: WaveNet, batch: Batch) -> tuple[list[Layer], Measures]:
    blocks = cast(list[ResidualSkipBlock], list(model.blocks))
    layers = [Layer(f"dilation {block.conv.dilation}", (0, block.conv.dilation), skips=True) for block in blocks]
    heard = _heard(model, batch, [*(block.activation for block in blocks), *blocks])
    active, passed = heard[: len(blocks)], heard[len(blocks) :]
    measures: Measures = {"activation": [_rms(out) for _, out in active]}
    if cast(WaveNetConfig, model.config).gated:
        measures["gate"] = [sigmoid(inputs[0].chunk(2, dim=1)[1]).mean(1) for inputs, _ in active]
    skips = torch.stack([out[1] for _, out in passed])  # (H, T, S)
    total = skips.sum(0)
    parts = (skips * total).sum(2) / (total * total).sum(1).clamp(min=torch.finfo(total.dtype).tiny)
    measures["skip"] = list(parts)
    if model.first is not None:  # a plain sum: no gate, no skip
        layers.insert(0, Layer("first conv", tuple(range(model.first.kernel))))
        ((_, out),) = _heard(model, batch, [model.first])
        nothing = torch.full_like(parts[0], torch.nan)
        for kind, rows in measures.items():
            rows.insert(0, _rms(out) if kind == "activation" else nothing)
    return layers, measures


def _recurrent(model: Recurrent, batch: Batch) -> tuple[list[Layer], Measures]:
    """Letter by letter: only so are memory and gates there to be heard."""
    gates: list[Tensor] = []
    if isinstance(model.cell, GRUCell):
        model.cell.gates.register_forward_hook(lambda _module, _inputs, out: gates.append(sigmoid(out)))
    memories, state = [], model.start(1, batch.labels)
    for letter in batch.letters:
        _, state = model.step(letter.unsqueeze(0), state)
        memories.append(state[0])
    measures = {"activation": [_size(torch.cat(memories))]}
    if gates:
        measures["gate"] = [torch.cat(gates).chunk(2, dim=1)[0].mean(1)]
    return [Layer("memory", (0,), beside=(1,))], measures


def _heard(model: Model, batch: Batch, modules: Iterable[nn.Module]) -> list[tuple[Any, Any]]:
    """What goes into each module and what comes out, as the last call of it while the model reads the batch."""
    heard: dict[nn.Module, tuple[Any, Any]] = {}
    modules = list(modules)
    hooks = [each.register_forward_hook(lambda *call: heard.update({call[0]: call[1:]})) for each in modules]
    model(batch)
    for hook in hooks:
        hook.remove()
    return [heard[each] for each in modules]


def _tanhs(model: Dilated | Tree | MLP) -> list[nn.Module]:
    return [each for each in model.modules() if isinstance(each, Tanh)]


def _size(x: Tensor) -> Tensor:
    """Mean |activation| of each row."""
    return x.abs().mean(1)


def _rms(x: Tensor) -> Tensor:
    """Root mean square of each row."""
    return x.square().mean(1).sqrt()


# ---------------------------------------------------------------------------------- one function, two ways


@dataclass(frozen=True, eq=False)
class Sharing:
    """A tree and its dilated stack over one name: the same logits, and how many joints of two nodes it took."""

    tree: int
    """Joints that the tree computes, every window anew."""
    dilated: int
    """Joints that the stack computes, those of its row of '.' among them."""
    uses: Tensor
    """(levels, T) how many windows of the tree compute what this one node of the stack computes."""
    difference: float
    """The largest difference between two of their logits."""

    @property
    def shared(self) -> int:
        """Nodes of the stack that serve more than one place."""
        return int((self.uses > 1).sum())


def sharing(tree: Tree, vocabulary: Vocabulary, name: str) -> Sharing:
    """Run both over `name` and count the rows that pass their joints; the stack has the tree's weights.

    Raises:
        Refusal: the name has a letter that the tree doesn't know.
    """
    tree = copy.deepcopy(tree).eval()
    stack = dilated_from_tree(tree)
    (batch,) = Packed([name], vocabulary, tree.device).all(1)
    with torch.no_grad():
        joints = [_joints(model, batch) for model in (tree, stack)]
        difference = float((tree(batch) - stack(batch)).abs().max())
    return Sharing(joints[0], joints[1], wiring(stack, vocabulary, name).uses(), difference)


def _joints(model: Tree | Dilated, batch: Batch) -> int:
    """How many vectors leave tanh while the model reads the batch: one a joint."""
    seen: list[int] = []
    for each in _tanhs(model):
        each.register_forward_hook(lambda _module, _inputs, out: seen.append(out.numel() // out.shape[-1]))
    model(batch)
    return sum(seen)
