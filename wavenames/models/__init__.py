"""The zoo. To add a model: a configuration in `config.py`, a class here, a line in `FAMILIES`."""

from __future__ import annotations

from typing import Any

import torch

from wavenames.config import SERVER_LIMITS, Refusal, Settings
from wavenames.models.base import (
    CountingModel,
    LayerShape,
    Model,
    PackedNames,
    State,
    WindowModel,
    evaluating,
    layer_shapes,
)
from wavenames.models.counting import Bigram, KneserNey
from wavenames.models.dilated import Dilated, dilated_from_tree
from wavenames.models.mlp import MLP
from wavenames.models.recurrent import Recurrent
from wavenames.models.transformer import Transformer
from wavenames.models.tree import Tree
from wavenames.models.wavenet import WaveNet

__all__ = [
    "FAMILIES",
    "MLP",
    "Bigram",
    "CountingModel",
    "Dilated",
    "KneserNey",
    "LayerShape",
    "Model",
    "PackedNames",
    "Recurrent",
    "State",
    "Transformer",
    "Tree",
    "WaveNet",
    "WindowModel",
    "build",
    "dilated_from_tree",
    "evaluating",
    "layer_shapes",
]

FAMILIES: dict[str, Any] = {
    "bigram": Bigram,
    "kneser-ney": KneserNey,
    "mlp": MLP,
    "tree": Tree,
    "dilated": Dilated,
    "wavenet": WaveNet,
    "recurrent": Recurrent,
    "transformer": Transformer,
}


def build(config: Settings, vocab_size: int, seed: int | None = None) -> Model:
    """The model that a configuration describes, for a vocabulary of `vocab_size` letters, '.' included.

    With a seed the start weights depend on nothing else; without one they come from torch's global dice.

    Raises:
        Refusal: more parameters than one server takes on.
    """
    model: Model = FAMILIES[config.family](config, vocab_size)  # type: ignore[attr-defined]
    if model.parameter_count > SERVER_LIMITS.max_parameters:
        raise Refusal(
            f"Parameters are {model.parameter_count:,}; allowed is at most {SERVER_LIMITS.max_parameters:,}. "
            "Choose fewer units or layers."
        )
    if seed is not None:
        model.reset(torch.Generator().manual_seed(seed))
    return model
