"""The tree as a causal stack: dilations 1, 2, 4 join the same neighbours, at every position at once."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from wavenames.config import DilatedConfig, TreeConfig
from wavenames.layers import BatchNorm1d, CausalConv1d, Embedding, LayerNorm1d, Linear, Sequential, Tanh
from wavenames.models.base import CausalModel, PackedNames, State, norm_layer
from wavenames.models.mlp import LOGIT_GAIN, TANH_GAIN
from wavenames.models.tree import Tree


class Dilated(CausalModel):
    """Embedding, a layer (CausalConv1d k=2, norm, Tanh) for each dilation, Linear.

    Before its first letter a name is an endless row of '.', as in a window model: each layer pads with what it would
    itself say of that row. Hence with dilations 1, 2, 4 and a tree's weights it equals the tree at every position,
    at a cost of one node a layer for each letter where the tree computes 4 + 2 + 1.

    It knows no conditions: that row of '.' would then be another one for each name.
    """

    def __init__(self, config: DilatedConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.receptive_field = 1 + sum(config.dilations)
        self.embedding = Embedding(vocab_size, config.embedding)
        bias, gain = config.norm == "none", TANH_GAIN if config.norm == "none" else 1.0
        self.convs, self.after = nn.ModuleList(), nn.ModuleList()
        width = config.embedding
        for dilation in config.dilations:
            self.convs.append(CausalConv1d(width, config.hidden, 2, dilation, bias=bias, gain=gain))
            self.after.append(Sequential(*norm_layer(config.norm, config.hidden), Tanh()))
            width = config.hidden
        self.head = Linear(width, vocab_size, gain=LOGIT_GAIN)

    def forward(self, batch: PackedNames) -> Tensor:
        letters, positions = self.filled(batch, spare=1)
        x = self.embedding(letters)
        for conv, after in zip(self.convs, self.after, strict=True):
            x = after(conv(x, positions, x[-1]))  # the spare row is a '.' with nothing but '.' before it
        return cast(Tensor, self.head(self.wanted(x, batch)))[: len(batch.letters)]

    def start(self, batch_size: int, labels: Tensor | None = None) -> State:
        pads = zip(self._convs(), self._pads(), strict=True)
        return tuple(place for conv, pad in pads for place in conv.queue(batch_size, pad))

    def step(self, letters: Tensor, state: State) -> tuple[Tensor, State]:
        x, convs = self.embedding(letters), self._convs()
        new: list[Tensor] = []
        for conv, after, old in zip(convs, self.after, self.queues(state, convs), strict=True):
            y, queue = conv.step(x, old)
            x = after(y)
            new += queue
        return self.head(x), tuple(new)

    def _pads(self) -> list[Tensor]:
        """What enters each layer, (C,), when all that came before is '.'."""
        pads = [self.embedding.weight[0]]
        for conv, after in zip(self._convs(), self.after, strict=True):
            y, _ = conv.step(pads[-1].unsqueeze(0), conv.queue(1, pads[-1]))
            pads.append(after(y).squeeze(0))
        return pads[:-1]

    def _convs(self) -> list[CausalConv1d]:
        return cast(list[CausalConv1d], list(self.convs))


def dilated_from_tree(tree: Tree) -> Dilated:
    """The causal stack with a tree's weights: the same logits at every position, in evaluation.

    LayerNorm works at each position alone and is carried over. BatchNorm in evaluation is a fixed scale and shift of
    each feature, so it is folded into the weights before it; the result then has no norm, and a bias instead.
    """
    config = cast(TreeConfig, tree.config)
    dilated = Dilated(
        DilatedConfig(
            dilations=tuple(2**level for level in range(config.levels)),
            embedding=config.embedding,
            hidden=config.hidden,
            norm="none" if config.norm == "batch" else config.norm,
        ),
        tree.vocab_size,
    ).to(tree.embedding.weight)
    linears = [layer for layer in tree.net.layers if isinstance(layer, Linear)]
    norms = [layer for layer in tree.net.layers if isinstance(layer, BatchNorm1d | LayerNorm1d)]
    with torch.no_grad():
        dilated.embedding.load_state_dict(tree.embedding.state_dict())
        dilated.head.load_state_dict(linears.pop().state_dict())
        for level, (conv, linear) in enumerate(zip(dilated._convs(), linears, strict=True)):
            norm = norms[level] if norms else None
            if isinstance(norm, BatchNorm1d):
                scale = norm.gamma * torch.rsqrt(norm.running_var + norm.eps)
                conv.linear.weight.copy_(linear.weight * scale)
                cast(Tensor, conv.linear.bias).copy_(norm.beta - norm.running_mean * scale)
            else:
                conv.linear.load_state_dict(linear.state_dict())
                if norm is not None:
                    cast(Sequential, dilated.after[level]).layers[0].load_state_dict(norm.state_dict())
    return dilated.train(tree.training)
