"""WaveNet on letters: gated, dilated, causal convolutions with residual and skip connections."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from wavenames.config import WaveNetConfig
from wavenames.layers import CausalConv1d, Embedding, Linear, ReLU, ResidualSkipBlock
from wavenames.models.base import CausalModel, PackedNames, State
from wavenames.models.mlp import LOGIT_GAIN


class WaveNet(CausalModel):
    """Embedding, causal conv, residual-skip blocks; skips summed, then ReLU, 1×1, ReLU, 1×1.

    Before a name's first letter every layer sees zeros. Receptive field: 1 + sum of dilations, plus the reach of the
    first conv. van den Oord et al. 2016, https://arxiv.org/abs/1609.03499
    """

    def __init__(self, config: WaveNetConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.receptive_field = config.first_conv + sum(config.dilations)
        self.embedding = Embedding(vocab_size, config.residual)
        width = config.first_conv
        self.first = CausalConv1d(config.residual, config.residual, width) if width > 1 else None
        last = len(config.dilations) - 1
        self.blocks = nn.ModuleList(
            ResidualSkipBlock(config.residual, config.gate, config.skip, d, dropout=config.dropout, last=i == last)
            for i, d in enumerate(config.dilations)
        )
        self.relu1, self.head1 = ReLU(), Linear(config.skip, config.skip)
        self.relu2, self.head2 = ReLU(), Linear(config.skip, vocab_size, gain=LOGIT_GAIN)

    def forward(self, batch: PackedNames) -> Tensor:
        letters, positions = self.filled(batch)
        x = self.embedding(letters)
        if self.first is not None:
            x = self.first(x, positions)
        skips = []
        for block in self.blocks:
            x, skip = block(x, positions)
            skips.append(self.wanted(skip, batch))
        return self._head(skips)[: len(batch.letters)]

    def start(self, batch_size: int) -> State:
        return tuple(place for conv in self._convs() for place in conv.queue(batch_size))

    def step(self, letters: Tensor, state: State) -> tuple[Tensor, State]:
        x, old = self.embedding(letters), self.queues(state, self._convs())
        new: list[Tensor] = []
        skips = []
        if self.first is not None:
            x, queue = self.first.step(x, next(old))
            new += queue
        for block in cast(list[ResidualSkipBlock], self.blocks):
            x, skip, queue = block.step(x, next(old))
            skips.append(skip)
            new += queue
        return self._head(skips), tuple(new)

    def _head(self, skips: list[Tensor]) -> Tensor:
        x = sum(skips[1:], start=skips[0])
        return cast(Tensor, self.head2(self.relu2(self.head1(self.relu1(x)))))

    def _convs(self) -> list[CausalConv1d]:
        first = [self.first] if self.first is not None else []
        return first + [block.conv for block in cast(list[ResidualSkipBlock], self.blocks)]
