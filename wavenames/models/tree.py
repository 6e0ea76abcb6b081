"""The tree: neighbours are fused in pairs, then pairs of pairs, until the window is one vector."""

from __future__ import annotations

from torch import nn

from wavenames.config import TreeConfig
from wavenames.layers import Embedding, FlattenConsecutive, Linear, Sequential, Tanh
from wavenames.models.base import WindowModel, norm_layer
from wavenames.models.mlp import LOGIT_GAIN, TANH_GAIN


class Tree(WindowModel):
    """Embedding, `levels` × (FlattenConsecutive(2), Linear, norm, Tanh), Linear, over 2 ** levels letters.

    The hierarchical model of makemore lecture 5, https://youtu.be/t3YJ5hKiMQ0. With shared weights it is the same
    function as `Dilated`; see `wavenames.models.dilated`.
    """

    def __init__(self, config: TreeConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.receptive_field = 2**config.levels
        self.embedding = Embedding(vocab_size, config.embedding)
        self.listens(config.embedding)
        bias, gain = config.norm == "none", TANH_GAIN if config.norm == "none" else 1.0
        fusions: list[nn.Module] = []
        width = config.embedding
        for _ in range(config.levels):
            fusions += [FlattenConsecutive(2), Linear(2 * width, config.hidden, bias, gain=gain)]
            fusions += [*norm_layer(config.norm, config.hidden), Tanh()]
            width = config.hidden
        self.net = Sequential(*fusions, Linear(width, vocab_size, gain=LOGIT_GAIN))
