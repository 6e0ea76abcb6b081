"""What generated names are worth: how many are real, how many are copies, and whether they are built as names are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import torch
from torch import Tensor

from wavenames.config import SamplingConfig, Settings
from wavenames.models import Model
from wavenames.names import Membership, Packed, Split, Vocabulary
from wavenames.names.statistics import pair_counts
from wavenames.sampling import sample

NAMES = 2000
"""Names of one draw."""
DRAWS = 5
"""Draws, with seeds 1, 2, …: how much a figure differs between them is its spread."""


class Spread(Settings):
    """A figure over several draws."""

    mean: float
    spread: float
    """Sample standard deviation."""

    def apart(self, other: Spread) -> bool:
        """Whether the two ranges, mean ± spread, don't touch."""
        return abs(self.mean - other.mean) > self.spread + other.spread


class Quality(Settings):
    """Names of one model, or real ones. Shares are of the names of a draw, distances are total variation."""

    train: Spread
    """Share that stand in train: learned by heart, or so likely that anyone would come up with them."""
    held_out: Spread
    """Share that are real names of the list which the model was not trained on."""
    hits: Spread
    """How many different held-out names were hit."""
    new: Spread
    """Share that stand nowhere on the list."""
    unique: Spread
    """Different names, as a share."""
    length_distance: Spread
    """Between the lengths of the names and those of the held-out names."""
    pair_distance: Spread
    """Between the letter pairs, start and end of a name among them, and those of the held-out names."""


@dataclass(frozen=True, eq=False)
class Yardstick:
    """The names that generated ones are held against."""

    membership: Membership
    lengths: Tensor
    """(L,) share of held-out names by their length; index 0 is that of no letters."""
    pairs: Tensor
    """(V, V) share of held-out letter pairs."""
    vocabulary: Vocabulary

    @classmethod
    def of(cls, parts: Split, vocabulary: Vocabulary) -> Yardstick:
        """The held-out names of a split are its validation and test names together."""
        held_out = (*parts.validation, *parts.test)
        return cls(Membership.of(parts), *shapes(held_out, vocabulary), vocabulary)


def shapes(names: Sequence[str], vocabulary: Vocabulary) -> tuple[Tensor, Tensor]:
    """The shares of lengths (L,) and of letter pairs (V, V) in names."""
    packed = Packed(names, vocabulary)
    lengths, pairs = torch.bincount(packed.lengths - 1).double(), pair_counts(packed).double()
    return lengths / lengths.sum(), pairs / pairs.sum()


def total_variation(first: Tensor, second: Tensor) -> float:
    """Half the sum of the differences between two distributions of one kind; (L,) may differ in length.

    From 0, the same, to 1, nothing in common; the largest difference in probability that any set of outcomes has.
    Levin, Peres, Wilmer 2009, Markov Chains and Mixing Times, chapter 4.
    """
    if first.dim() == 1:
        longest = max(len(first), len(second))
        first, second = (torch.nn.functional.pad(each, (0, longest - len(each))) for each in (first, second))
    return float((first - second).abs().sum() / 2)


def generated(model: Model, yardstick: Yardstick) -> Quality:
    """The quality of what a model generates at temperature 1, nothing ruled out."""
    draws = []
    for seed in range(1, DRAWS + 1):
        options = SamplingConfig(n=NAMES, seed=seed)
        found = sample(model, yardstick.vocabulary, options, yardstick.membership)
        draws.append([each.name for each in found.names])
    return quality(draws, yardstick)


def real(parts: Split, yardstick: Yardstick) -> Quality:
    """The same of real names, drawn from train: the distances that only chance is left to explain."""
    draws = [random.Random(seed).sample(parts.train, min(NAMES, len(parts.train))) for seed in range(1, DRAWS + 1)]
    return quality(draws, yardstick)


def quality(draws: Sequence[Sequence[str]], yardstick: Yardstick) -> Quality:
    """Each figure over two draws or more."""
    rows = [_figures(names, yardstick) for names in draws]
    columns = {figure: [row[figure] for row in rows] for figure in Quality.model_fields}
    return Quality(**{figure: Spread(mean=fmean(column), spread=stdev(column)) for figure, column in columns.items()})


def _figures(names: Sequence[str], yardstick: Yardstick) -> dict[str, float]:
    status = {name: yardstick.membership.status(name) for name in names}
    count = {kind: sum(status[name] == kind for name in names) for kind in ("train", "held_out", "new")}
    lengths, pairs = shapes(names, yardstick.vocabulary)
    return {
        "train": count["train"] / len(names),
        "held_out": count["held_out"] / len(names),
        "hits": sum(kind == "held_out" for kind in status.values()),
        "new": count["new"] / len(names),
        "unique": len(status) / len(names),
        "length_distance": total_variation(lengths, yardstick.lengths),
        "pair_distance": total_variation(pairs, yardstick.pairs),
    }
