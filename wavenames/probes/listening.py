"""Hearing what the layers of a network say while it reads a batch, and leaving it as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from wavenames.layers import GELU, BatchNorm1d, GatedActivation, GRUCell, Linear, ReLU, Tanh, neighbours, sigmoid
from wavenames.models import Model, Recurrent, evaluating
from wavenames.models.base import name_of_rows
from wavenames.names import Batch


@contextmanager
def as_in_training(model: Model) -> Iterator[None]:
    """BatchNorm as in training, all else as in evaluation; afterwards all is as it was."""
    kept = {name: each.clone() for name, each in model.named_buffers()}
    with evaluating(model):
        for _, norm in modules(model, BatchNorm1d):
            norm.train()
        try:
            yield
        finally:
            for name, each in model.named_buffers():
                each.copy_(kept[name])


@contextmanager
def listening(model: Model) -> Iterator[dict[str, Tensor]]:
    """What each layer of interest says in the last call: its output; of a BatchNorm and of a gate also the input."""
    heard: dict[str, Tensor] = {}

    def note_output(name: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, BatchNorm1d):
            heard[name] = inputs[0].detach()
            return
        heard[name] = output
        if isinstance(module, GatedActivation):
            heard[f"{name} in"] = inputs[0].detach()

    hooks = [
        module.register_forward_hook(lambda *call, name=name: note_output(name, *call))
        for name, module in modules(model, Tanh, ReLU, GELU, GatedActivation, BatchNorm1d)
    ]
    if isinstance(model, Recurrent):  # its dropout is handed the memory after each letter, in the batch's order
        hooks.append(model.dropout.register_forward_hook(lambda _, x, __: heard.__setitem__("memory", x[0])))
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def modules(model: Model, *kinds: type[nn.Module]) -> list[tuple[str, nn.Module]]:
    """The parts of a model that are of some kinds, in its order, by name."""
    return [(name, module) for name, module in model.named_modules() if isinstance(module, kinds)]


def gates_of(model: Recurrent, batch: Batch, memory: Tensor) -> tuple[Tensor, ...]:
    """The gates z and r of a GRU at each letter, (N, H) each, from the memory after each letter, (N, H)."""
    earlier = neighbours(memory, batch.positions, (1,), model.memory_before)[:, : memory.shape[1]]
    x, told = model.embedding(batch.letters), model.told(len(batch.offsets) - 1, batch.labels)
    x = x if told is None else x + told.index_select(0, name_of_rows(batch))
    return sigmoid(cast(GRUCell, model.cell).gates(torch.cat([x, earlier], dim=1))).chunk(2, dim=1)


_PLACES_OF_PARTS = {"blocks": "block", "convs": "layer", "about.tables": "told"}
_WORDS = {
    ".weight": "", ".linear": "", "embedding": "letters", "head1": "head 1", "head2": "head 2",
    "mlp.layers.0": "widen", "mlp.layers.2": "narrow", ".": " ",
}  # fmt: skip


def spoken(model: Model, parameter: str) -> str:
    """A weight matrix as people call it: "blocks.0.conv.linear.weight" -> "block 1 conv"."""
    if model.get_parameter(parameter) is model.head_weight:
        return "output"
    if parameter.startswith("net.layers."):
        linears = [name for name, _ in modules(model, Linear)]
        return f"layer {linears.index(parameter.removesuffix('.weight')) + 1}"
    for part, word in _PLACES_OF_PARTS.items():
        parameter = re.sub(rf"^{part}\.(\d+)", partial(_numbered, word), parameter)
    for part, word in _WORDS.items():
        parameter = parameter.replace(part, word)
    return parameter


def _numbered(word: str, found: re.Match[str]) -> str:
    """People count from 1."""
    return f"{word} {int(found[1]) + 1}"
