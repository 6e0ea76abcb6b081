"""Recurrent networks: one memory, changed by each letter in turn."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from wavenames.config import LIST_LIMITS, RecurrentConfig
from wavenames.layers import Dropout, Embedding, GRUCell, Linear, RNNCell
from wavenames.models.base import CausalModel, PackedNames, State, name_of_rows
from wavenames.models.mlp import LOGIT_GAIN


class Recurrent(CausalModel):
    """Embedding, a cell that turns memory and letter into the next memory, Linear.

    The memory before a name is learned as well. Nothing is ever out of sight, at least on paper: `receptive_field`
    is the longest name that a list may hold, with its '.'.

    Dropout hides the same numbers of the memory from the cell at every letter of a name, while the memory itself is
    carried on whole: Gal and Ghahramani 2016, https://arxiv.org/abs/1512.05287. What the head sees is thinned anew at
    each letter.

    makemore's RNN and GRU, https://github.com/karpathy/makemore
    """

    receptive_field = LIST_LIMITS.max_length + 1

    def __init__(self, config: RecurrentConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.embedding = Embedding(vocab_size, config.embedding)
        self.listens(config.embedding)
        self.memory_before = nn.Parameter(torch.zeros(config.hidden))
        cell = GRUCell if config.cell == "gru" else RNNCell
        self.cell: RNNCell | GRUCell = cell(config.embedding, config.hidden)
        self.dropout = Dropout(config.dropout)
        self.head = Linear(config.hidden, vocab_size, gain=LOGIT_GAIN)

    def forward(self, batch: PackedNames) -> Tensor:
        """All names in parallel, place by place: the longest names stand first, so those that go on are a slice."""
        order, going = _place_by_place(batch)
        names = batch.offsets.shape[0] - 1
        memory, memories = self.memory_before.expand(names, -1), []
        kept = self.dropout(torch.ones_like(memory)) if self.training else None
        for each in torch.split(self._brought(batch, order, self.told(names, batch.labels)), going):
            memory = memory[: len(each)]
            memory = self.cell.turn(each, memory, memory if kept is None else memory * kept[: len(each)])
            memories.append(memory)
        x = torch.cat(memories).index_select(0, self.wanted(order.argsort(), batch))
        return cast(Tensor, self.head(self.dropout(x)))

    def _brought(self, batch: PackedNames, order: Tensor, told: Tensor | None) -> Tensor:
        """What each letter, in this order, and what is told of its name bring to the cell."""
        if told is None:  # read once for each letter there is, not for each that is read
            return self.cell.read(self.embedding.weight).index_select(0, batch.letters[order])
        x = self.embedding(batch.letters) + told.index_select(0, name_of_rows(batch))
        return self.cell.read(x).index_select(0, order)

    def start(self, batch_size: int, labels: Tensor | None = None) -> State:
        memory, told = self.memory_before.expand(batch_size, -1), self.told(batch_size, labels)
        return (memory,) if told is None else (memory, told)

    def step(self, letters: Tensor, state: State) -> tuple[Tensor, State]:
        memory, *told = state
        memory = self.cell(sum(told, self.embedding(letters)), memory)
        return self.head(memory), (memory, *told)


def _place_by_place(batch: PackedNames) -> tuple[Tensor, list[int]]:
    """The rows of a batch in the order first letters, second letters, ...; and how many there are of each."""
    lengths = batch.offsets.diff()
    rank = lengths.argsort(descending=True, stable=True).argsort()  # of each name, the longest 0
    rank = rank.repeat_interleave(lengths, output_size=len(batch.letters))
    return (batch.positions * len(lengths) + rank).argsort(), torch.bincount(batch.positions).tolist()
