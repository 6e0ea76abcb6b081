"""The Transformer: letters that look back at each other."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from wavenames.config import TransformerConfig
from wavenames.layers import Embedding, LayerNorm1d, Linear, NamesInRows, TransformerBlock
from wavenames.models.base import CausalModel, PackedNames, State, name_of_rows
from wavenames.models.mlp import LOGIT_GAIN


class Transformer(CausalModel):
    """A vector for each letter plus one for its place, `layers` × TransformerBlock, LayerNorm, Linear.

    The parameters are those of makemore's Transformer, https://github.com/karpathy/makemore, which refuses names
    that are longer than its block. Here the block slides along: in each layer a letter sees the last `block_size`
    letters, and places past the block share the vector of its last place. So through its layers a long name is in
    sight beyond the block: receptive field 1 + layers * (block_size - 1).
    """

    def __init__(self, config: TransformerConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.block_size, self.width = config.block_size, config.heads * config.head_size
        self.receptive_field = 1 + config.layers * (config.block_size - 1)
        self.embedding = Embedding(vocab_size, self.width)
        self.places = Embedding(config.block_size, self.width)
        self.listens(self.width)
        gain = 1 / math.sqrt(2 * config.layers)  # each layer adds twice to what runs through; Radford et al. 2019
        self.blocks = nn.ModuleList(
            TransformerBlock(self.width, config.heads, config.block_size, gain=gain) for _ in range(config.layers)
        )
        self.norm = LayerNorm1d(self.width)
        self.head = Linear(self.width, vocab_size, bias=False, gain=LOGIT_GAIN)

    def forward(self, batch: PackedNames) -> Tensor:
        rows = NamesInRows(batch.positions, batch.offsets, self.block_size)
        x = self.embedding(batch.letters) + self.places(batch.positions.clamp(max=self.block_size - 1))
        told = self.told(len(batch.offsets) - 1, batch.labels)
        if told is not None:
            x = x + told.index_select(0, name_of_rows(batch))
        for block in self.blocks:
            x = block(x, rows)
        return cast(Tensor, self.head(self.norm(self.wanted(x, batch))))

    def start(self, batch_size: int, labels: Tensor | None = None) -> State:
        """Keys and values of no place yet, (B, 0, 2 C) a layer: they grow by a place a letter, up to the block."""
        pasts = (self.head.weight.new_empty(batch_size, 0, 2 * self.width),) * len(self.blocks)
        told = self.told(batch_size, labels)
        return pasts if told is None else (*pasts, told)

    def step(self, letters: Tensor, state: State) -> tuple[Tensor, State]:
        pasts, told = state[: len(self.blocks)], state[len(self.blocks) :]
        place = torch.full_like(letters, pasts[0].shape[1])  # as many as are kept, at most the last one of the block
        x, kept = sum(told, self.embedding(letters) + self.places(place)), []
        for block, past in zip(cast(list[TransformerBlock], self.blocks), pasts, strict=True):
            x, newer = block.step(x, past)
            kept.append(newer)
        return self.head(self.norm(x)), (*kept, *told)

    @property
    def memory(self) -> int:
        told = self.width if self.conditions else 0
        return len(self.blocks) * (self.block_size - 1) * 2 * self.width + told
