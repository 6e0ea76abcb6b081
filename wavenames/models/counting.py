"""Models that count instead of train."""

from __future__ import annotations

import torch
from torch import Tensor

from wavenames.config import BigramConfig
from wavenames.models.base import Model, PackedNames, State


class Bigram(Model):
    """How often each letter follows each letter, with `smoothing` added to every count.

    Shannon 1948, section 3; makemore lecture 1, https://youtu.be/PaCmpygFfXo
    """

    receptive_field = 1
    counts: Tensor

    def __init__(self, config: BigramConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.smoothing = config.smoothing
        self.register_buffer("counts", torch.zeros(vocab_size, vocab_size))

    def count(self, letters: Tensor, targets: Tensor) -> None:
        """Learn: the table becomes how often each pair (letters[i], targets[i]) occurs."""
        pairs = letters * self.vocab_size + targets
        seen = torch.bincount(pairs, minlength=self.counts.numel())
        self.counts.copy_(seen.reshape(self.counts.shape))

    @property
    def parameter_count(self) -> int:
        return self.counts.numel()

    def table(self) -> Tensor:
        """(V, V) log-probability of each letter (column) after each letter (row)."""
        smoothed = self.counts + self.smoothing
        return (smoothed / smoothed.sum(1, keepdim=True)).log()

    def forward(self, batch: PackedNames) -> Tensor:
        letters = batch.letters if batch.rows is None else batch.letters[batch.rows]
        return self.table()[letters]

    def start(self, batch_size: int) -> State:
        return ()

    def step(self, letters: Tensor, state: State) -> tuple[Tensor, State]:
        return self.table()[letters], ()
