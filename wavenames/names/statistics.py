"""What a list of names looks like: its size, its letters, the pairs they stand in, its twins, its windows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wavenames.names.packing import Packed
from wavenames.names.vocabulary import END_MARK, Vocabulary


@dataclass(frozen=True, eq=False)
class Statistics:
    """A list in numbers. `targets` counts what there is to predict: every letter, and one end mark a name."""

    names: int
    distinct: int
    targets: int
    vocabulary: Vocabulary
    lengths: dict[int, int]
    """How many names have how many letters."""
    twins: dict[str, int]
    """Names that stand in the list more than once, with how often; the most frequent first."""
    pairs: Tensor
    """(V, V) how often letter `column` follows letter `row`; row 0 are first letters, column 0 last ones."""


def statistics(names: Sequence[str]) -> Statistics:
    """Count a list through."""
    vocabulary = Vocabulary.of(names)
    packed = Packed(names, vocabulary)
    times = Counter(names)
    return Statistics(
        names=len(names),
        distinct=len(times),
        targets=packed.targets_count,
        vocabulary=vocabulary,
        lengths=dict(sorted(Counter(map(len, names)).items())),
        twins={name: count for name, count in times.most_common() if count > 1},
        pairs=pair_counts(packed),
    )


def pair_counts(packed: Packed) -> Tensor:
    """(V, V) how often letter `column` follows letter `row` in packed names, the end mark included."""
    size = packed.vocabulary.size
    return torch.bincount(packed.letters * size + packed.targets, minlength=size * size).reshape(size, size)


def shares(counts: Tensor) -> Tensor:
    """(V, V) counts as the probability of `column` after `row`; zero in a row without counts."""
    return counts / counts.sum(1, keepdim=True).clamp(min=1)


def windows(name: str, block_size: int) -> list[tuple[str, str]]:
    """What a model of `block_size` letters sees of a name: ("..e", "m") is the context and the letter to predict.

    One window for each letter and one for the end mark, '.' before the start, as in makemore's lectures.
    """
    marked = END_MARK * block_size + name + END_MARK
    return [(marked[i : i + block_size], marked[i + block_size]) for i in range(len(name) + 1)]
