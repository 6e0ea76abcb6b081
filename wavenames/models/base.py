"""What every model of the zoo answers: two verbs, and a few facts about itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from wavenames import layers
from wavenames.config import CONDITIONS, Settings, conditions_of

State = tuple[Tensor, ...]
"""What a model remembers between letters. Every tensor has the batch first: rows are chosen by s[keep]."""


class PackedNames(Protocol):
    """Names end to end, without padding; `wavenames.names.Batch` is one."""

    @property
    def letters(self) -> Tensor:
        """(N,) the letter right before each target, '.' first."""

    @property
    def targets(self) -> Tensor:
        """(N,) the letter to predict; '.' ends a name."""

    @property
    def offsets(self) -> Tensor:
        """(B+1,) name b fills the rows offsets[b] to offsets[b+1] - 1."""

    @property
    def positions(self) -> Tensor:
        """(N,) place of each target in its name."""

    @property
    def rows(self) -> Tensor | None:
        """The targets whose logits are wanted; None for all."""

    @property
    def labels(self) -> Tensor | None:
        """(B, C) what is told of each name, a number for each kind, 0 for unknown; None where nothing is."""

    def windows(self, k: int) -> Tensor:
        """(N or rows, k) the k letters before each wanted target, oldest first, '.' before the start."""


@dataclass(frozen=True)
class LayerShape:
    """One layer for the table of layers: its kind, the shape that leaves it (N targets first), its parameters."""

    name: str
    shape: str
    parameters: int


class Model(nn.Module):
    """A distribution over the next letter. Subclasses set `receptive_field` and answer the two verbs."""

    receptive_field: int
    """Letters before the target that can matter, the starting '.' among them.

    A model without an end to its sight says how many letters the longest name of a list gives it to see.
    """

    def __init__(self, config: Settings, vocab_size: int) -> None:
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.conditions = conditions_of(config)
        self.about: layers.LabelEmbedding | None = None

    def forward(self, batch: PackedNames) -> Tensor:
        """Logits (N, V) of each next letter of each name, in parallel; (len(rows), V) where rows are given."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def start(self, batch_size: int, labels: Tensor | None = None) -> State:
        """The memory of `batch_size` names before their first letter.

        What `labels` (B, C) tell a model with conditions is part of it; None tells nothing, as zeros do.
        """
        raise NotImplementedError(f"{type(self).__name__} has no start")

    def step(self, letters: Tensor, state: State) -> tuple[Tensor, State]:
        """Read one more letter each, (B,), '.' first; logits (B, V) of the next, and the new memory."""
        raise NotImplementedError(f"{type(self).__name__} has no step")

    def listens(self, features: int) -> None:
        """Give a model with conditions its table of labels, `features` wide."""
        if self.conditions:
            self.about = layers.LabelEmbedding([len(CONDITIONS[kind]) for kind in self.conditions], features)

    def told(self, batch_size: int, labels: Tensor | None) -> Tensor | None:
        """(B, features) what `labels` (B, C), or None, tell of each name; None for a model without conditions."""
        if self.about is None:
            return None
        if labels is None:
            labels = torch.zeros(batch_size, len(self.conditions), dtype=torch.long, device=self.device)
        return cast(Tensor, self.about(labels))

    @property
    def memory(self) -> int:
        """The most numbers that the state of one name ever holds."""
        return sum(part.numel() for part in self.start(1))

    @property
    def parameter_count(self) -> int:
        """Numbers that training sets."""
        return sum(p.numel() for p in self.parameters())

    @property
    def letter_vectors(self) -> Tensor | None:
        """(V, E) the model's description of each letter; None if it keeps none."""
        embedding = getattr(self, "embedding", None)
        return embedding.weight.detach() if isinstance(embedding, layers.Embedding) else None

    @property
    def head_weight(self) -> nn.Parameter | None:
        """(features, V) the weight of the last layer, which gives the logits; None in a model that counts."""
        return None

    @property
    def device(self) -> torch.device:
        """Where the model's numbers live."""
        tensors: dict[str, Tensor] = self.state_dict()
        return next(iter(tensors.values())).device

    def reset(self, generator: torch.Generator) -> None:
        """Draw all start weights anew from `generator`."""
        for module in self.modules():
            if isinstance(module, layers.Embedding | layers.Linear):
                module.reset(generator)

    def use_dice(self, generator: torch.Generator) -> None:
        """Let dropout draw from `generator`."""
        for module in self.modules():
            if isinstance(module, layers.Dropout):
                module.generator = generator


@runtime_checkable
class CountingModel(Protocol):
    """A model that learns by looking at all names once, without gradients."""

    def count(self, names: PackedNames) -> None:
        """Forget what was counted before and count `names`."""


class WindowModel(Model):
    """A model of the last k letters: embeds a window (N, k) and runs it through `net` to logits (N, V)."""

    embedding: layers.Embedding
    net: layers.Sequential

    @property
    def head_weight(self) -> nn.Parameter:
        return cast(layers.Linear, self.net.layers[-1]).weight

    def forward(self, batch: PackedNames) -> Tensor:
        told = self.told(len(batch.offsets) - 1, batch.labels)
        windows = batch.windows(self.receptive_field)
        if told is None:
            return self.read(windows, whole=batch.rows is None)
        names = name_of_rows(batch)
        told = told.index_select(0, names if batch.rows is None else names[batch.rows])
        return self.read(windows, told, whole=batch.rows is None)

    def read(self, windows: Tensor, told: Tensor | None = None, *, whole: bool = False) -> Tensor:
        """Windows of letters (N, k), oldest first -> logits (N, V); `told` (N, E) is added to each letter.

        `whole` says that they are all windows of whole names: see `layers.BatchNorm1d`.
        """
        x = self.embedding(windows)
        return cast(Tensor, self.net(x if told is None else x + told.unsqueeze(1), whole))

    def start(self, batch_size: int, labels: Tensor | None = None) -> State:
        told = self.told(batch_size, labels)
        window = torch.zeros(batch_size, self.receptive_field, dtype=torch.long, device=self.device)
        return (window,) if told is None else (window, told)

    def step(self, letters: Tensor, state: State) -> tuple[Tensor, State]:
        window, *told = state
        window = torch.cat([window[:, 1:], letters.unsqueeze(1)], dim=1)
        return self.read(window, *told), (window, *told)


class CausalModel(Model):
    """A model that reads whole names in parallel; its head speaks only for the rows that are wanted."""

    embedding: layers.Embedding
    head: layers.Linear

    @property
    def head_weight(self) -> nn.Parameter:
        return self.head.weight

    @staticmethod
    def filled(batch: PackedNames, spare: int = 0) -> tuple[Tensor, Tensor]:
        """Letters and positions, filled up with names of no letters, to no effect: few shapes make quick products.

        At least `spare` of them.
        """
        more = layers.filled_up(len(batch.letters) + spare) - len(batch.letters)
        if more == 0:
            return batch.letters, batch.positions
        return nn.functional.pad(batch.letters, (0, more)), nn.functional.pad(batch.positions, (0, more))

    @staticmethod
    def queues(state: State, convs: list[layers.CausalConv1d]) -> Iterator[layers.Queue]:
        """The queue of each convolution, out of a state that holds them one after the other."""
        places = iter(state)
        return (tuple(itertools.islice(places, conv.reach)) for conv in convs)

    @staticmethod
    def filled_names(batch: PackedNames, rows: int) -> Tensor:
        """(rows,) the name that each row belongs to, filled up as `filled` does it."""
        names = name_of_rows(batch)
        return nn.functional.pad(names, (0, rows - len(names)))

    @staticmethod
    def wanted(x: Tensor, batch: PackedNames) -> Tensor:
        """The rows of x whose logits are asked for."""
        return x if batch.rows is None else x.index_select(0, batch.rows)


def name_of_rows(batch: PackedNames) -> Tensor:
    """(N,) the name, counted from 0, that each row of a batch belongs to."""
    lengths = batch.offsets.diff()
    names = torch.arange(len(lengths), device=lengths.device)
    return names.repeat_interleave(lengths, output_size=len(batch.letters))


@contextmanager
def evaluating(model: Model) -> Iterator[None]:
    """Inside, the model is in evaluation mode; afterwards, errors included, in the mode that it was in."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def norm_layer(kind: str, features: int) -> list[nn.Module]:
    """The normalisation by its word in the configuration: none, batch or layer."""
    if kind == "batch":
        return [layers.BatchNorm1d(features)]
    return [layers.LayerNorm1d(features)] if kind == "layer" else []


def layer_shapes(model: Model) -> list[LayerShape]:
    """The layers in the order in which one letter passes them, seen while it does."""
    seen: list[LayerShape] = []
    parents = {child: parent for parent in model.modules() for child in parent.children()}

    def note(module: nn.Module, _inputs: object, out: Tensor) -> None:
        parent = parents[module]
        named = parent if isinstance(parent, layers.CausalConv1d) else module
        sizes = " × ".join(["N", *map(str, out.shape[1:])])
        count = sum(p.numel() for p in module.parameters())
        seen.append(LayerShape(f"{type(named).__name__} {named.extra_repr()}".strip(), sizes, count))

    for name, own in model.named_parameters(recurse=False):  # held by no layer, such as the memory before a name
        sizes = " × ".join(["N", *map(str, own.shape)])
        seen.append(LayerShape(name.replace("_", " ").capitalize(), sizes, own.numel()))
    with evaluating(model):
        before = None if model.conditions else model.start(1)
        hooks = [m.register_forward_hook(note) for m in model.modules() if m in parents and not list(m.children())]
        try:
            # Labels pass their layers before the first letter does.
            before = model.start(1) if before is None else before
            model.step(torch.zeros(1, dtype=torch.long, device=model.device), before)
        finally:
            for hook in hooks:
                hook.remove()
    if not hooks:
        return [LayerShape("Table of counts", f"N × {model.vocab_size}", model.parameter_count)]
    return seen
