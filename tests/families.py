"""A small model of every family, for tests that hold for all of them."""

from wavenames.config import (
    BigramConfig,
    DilatedConfig,
    KneserNeyConfig,
    MLPConfig,
    RecurrentConfig,
    Settings,
    TransformerConfig,
    TreeConfig,
    WaveNetConfig,
)

SMALL: dict[str, Settings] = {
    "bigram": BigramConfig(),
    "kneser-ney": KneserNeyConfig(order=4),
    "mlp": MLPConfig(embedding=4, hidden=12, layers=2),
    "tree": TreeConfig(levels=2, embedding=4, hidden=12, norm="layer"),
    "dilated": DilatedConfig(dilations=(1, 2), embedding=4, hidden=12, norm="layer"),
    "wavenet": WaveNetConfig(residual=6, gate=6, skip=8, dilations=(1, 2)),
    "recurrent": RecurrentConfig(cell="gru", embedding=4, hidden=8),
    "transformer": TransformerConfig(layers=2, heads=2, head_size=4, block_size=3),
}
"""Configurations by family; those that look back a limited way see fewer letters than a usual name has."""
