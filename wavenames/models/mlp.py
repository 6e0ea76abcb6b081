"""The multilayer perceptron: a window of letters, embedded, laid side by side, squeezed at once."""

from __future__ import annotations

from torch import nn

from wavenames.config import MLPConfig
from wavenames.layers import Embedding, Flatten, Linear, Sequential, Tanh
from wavenames.models.base import WindowModel, norm_layer

TANH_GAIN = 5 / 3
"""What tanh squeezes out of a unit spread, given back by the weights before it when no norm does."""
LOGIT_GAIN = 0.1
"""The last layer starts nearly silent, so the first loss is close to that of a uniform guess."""


class MLP(WindowModel):
    """Embedding, Flatten, `layers` × (Linear, norm, Tanh), Linear. Bengio et al. 2003; makemore lectures 2 and 3."""

    def __init__(self, config: MLPConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.receptive_field = config.block_size
        self.embedding = Embedding(vocab_size, config.embedding)
        self.listens(config.embedding)
        bias = config.norm == "none" or config.norm_bias or config.norm == "layer"
        gain = TANH_GAIN if config.norm == "none" else 1.0
        hidden: list[nn.Module] = []
        width = config.block_size * config.embedding
        for _ in range(config.layers):
            hidden.append(Linear(width, config.hidden, bias, gain=gain, init=config.init))
            hidden += [*norm_layer(config.norm, config.hidden), Tanh()]
            width = config.hidden
        self.net = Sequential(Flatten(), *hidden, Linear(width, vocab_size, gain=LOGIT_GAIN))
