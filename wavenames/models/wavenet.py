"""WaveNet on letters: gated, dilated, causal convolutions with residual and skip connections."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from wavenames.config import WaveNetConfig
from wavenames.layers import CausalConv1d, Embedding, Linear, ReLU, ResidualSkipBlock
from wavenames.models.base import CausalModel, PackedNames, State
from wavenames.models.mlp import LOGIT_GAIN

LABEL_FEATURES = 16
"""Numbers that describe what is told of a name."""


class WaveNet(CausalModel):
    """Embedding, causal conv, residual-skip blocks; skips summed, then ReLU, 1×1, ReLU, 1×1.

    Before a name's first letter every layer sees zeros. Receptive field: 1 + sum of dilations, plus the reach of the
    first conv. van den Oord et al. 2016, https://arxiv.org/abs/1609.03499

    Told something of a name, sex or decade, every block adds its own view of it inside tanh and sigmoid, the same at
    each letter: global conditioning, section 2.5 there.
    """

    def __init__(self, config: WaveNetConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.receptive_field = config.first_conv + sum(config.dilations)
        self.embedding = Embedding(vocab_size, config.residual)
        width = config.first_conv
        self.first = CausalConv1d(config.residual, config.residual, width) if width > 1 else None
        self.listens(LABEL_FEATURES)
        last, told = len(config.dilations) - 1, LABEL_FEATURES if self.conditions else 0
        self.blocks = nn.ModuleList(
            ResidualSkipBlock(
                config.residual,
                config.gate,
                config.skip,
                d,
                gated=config.gated,
                dropout=config.dropout,
                last=i == last,
                told=told,
            )
            for i, d in enumerate(config.dilations)
        )
        self.relu1, self.head1 = ReLU(), Linear(config.skip, config.skip)
        self.relu2, self.head2 = ReLU(), Linear(config.skip, vocab_size, gain=LOGIT_GAIN)

    @property
    def head_weight(self) -> nn.Parameter:
        return self.head2.weight

    def forward(self, batch: PackedNames) -> Tensor:
        letters, positions = self.filled(batch)
        x = self.embedding(letters)
        if self.first is not None:
            x = self.first(x, positions)
        skips, told = [], self._conditions(len(batch.offsets) - 1, batch.labels)
        names = self.filled_names(batch, len(letters)) if told else letters
        for i, block in enumerate(self.blocks):
            x, skip = block(x, positions, *(each.index_select(0, names) for each in told[i : i + 1]))
            skips.append(self.wanted(skip, batch))
        return self._head(skips)[: len(batch.letters)]

    def start(self, batch_size: int, labels: Tensor | None = None) -> State:
        """The queue of each convolution, then what each block adds, (B, 2 D), of what is told of the name."""
        queues = (place for conv in self._convs() for place in conv.queue(batch_size))
        return (*queues, *self._conditions(batch_size, labels))

    def step(self, letters: Tensor, state: State) -> tuple[Tensor, State]:
        x, old = self.embedding(letters), self.queues(state, self._convs())
        told = state[sum(conv.reach for conv in self._convs()) :]
        new: list[Tensor] = []
        skips = []
        if self.first is not None:
            x, queue = self.first.step(x, next(old))
            new += queue
        for i, block in enumerate(cast(list[ResidualSkipBlock], self.blocks)):
            x, skip, queue = block.step(x, next(old), *told[i : i + 1])
            skips.append(skip)
            new += queue
        return self._head(skips), (*new, *told)

    def _conditions(self, names: int, labels: Tensor | None) -> tuple[Tensor, ...]:
        """What each block adds for each name, (B, 2 D); nothing in a model without conditions."""
        h = self.told(names, labels)
        return () if h is None else tuple(cast(Linear, block.condition)(h) for block in self.blocks)

    def _head(self, skips: list[Tensor]) -> Tensor:
        x = sum(skips[1:], start=skips[0])
        return cast(Tensor, self.head2(self.relu2(self.head1(self.relu1(x)))))

    def _convs(self) -> list[CausalConv1d]:
        first = [self.first] if self.first is not None else []
        return first + [block.conv for block in cast(list[ResidualSkipBlock], self.blocks)]
