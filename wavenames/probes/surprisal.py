"""A name under a model, letter by letter: how much each letter surprises it, and what it expected instead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wavenames.layers import log_softmax
from wavenames.models import Model, evaluating
from wavenames.names import Packed, Vocabulary, told_numbers


@dataclass(frozen=True, eq=False)
class Place:
    """One place of a name: the letter that stands there, and what the model held of it before it saw it."""

    letter: str
    """'.' at the end of the name."""
    log_probability: float
    """Of the letter, given the letters before it; nats. Its negative is the surprisal."""
    rank: int
    """1 if the model held no letter to be likelier, 2 if one, and so on."""
    distribution: Tensor
    """(V,) log-probabilities of all letters that could stand here, '.' first."""


@dataclass(frozen=True, eq=False)
class Surprisal:
    """A whole name, its end mark included."""

    places: tuple[Place, ...]

    @property
    def log_probability(self) -> float:
        """Of the name, nats."""
        return sum(place.log_probability for place in self.places)

    @property
    def per_letter(self) -> float:
        """Nats per letter, the end mark counted: the name's loss, in the unit of all losses."""
        return -self.log_probability / len(self.places)


def surprisal(model: Model, vocabulary: Vocabulary, name: str, told: Mapping[str, str] | None = None) -> Surprisal:
    """Read `name`, which may be empty, in one pass; len(name) + 1 places come back, the last is the end mark's.

    The name may also be the beginning of one: the last place then holds what could come next. `told` is what the
    model is told of the name, such as {"sex": "M", "decade": "1920"}.

    Raises:
        Refusal: the name has a letter, or something is told, that the model doesn't know.
    """
    return surprisals(model, vocabulary, name, [told or {}])[0]


@torch.no_grad()
def surprisals(model: Model, vocabulary: Vocabulary, name: str, told: Sequence[Mapping[str, str]]) -> list[Surprisal]:
    """One name, told each of several things of it, in one pass. Refuses as `surprisal` does."""
    labels = [told_numbers(model.conditions, each) for each in told]
    packed = Packed([name] * len(told), vocabulary, model.device, labels)
    with evaluating(model):
        log_probabilities = log_softmax(model(next(packed.all(len(told)))))
    parts = zip(log_probabilities.chunk(len(told)), packed.targets.chunk(len(told)), strict=True)
    return [_read(vocabulary, *part) for part in parts]


def parting(one: Surprisal, other: Surprisal) -> int:
    """The place at which two readings of a name differ most, by the ratio of the probabilities of its letter."""
    gaps = [abs(a.log_probability - b.log_probability) for a, b in zip(one.places, other.places, strict=True)]
    return gaps.index(max(gaps))


def first_parting(one: Surprisal, other: Surprisal, factor: float = 2) -> int | None:
    """The first place whose letter one reading holds to be more than `factor` times as likely as the other does."""
    pairs = zip(one.places, other.places, strict=True)
    gaps = (abs(a.log_probability - b.log_probability) for a, b in pairs)
    return next((place for place, gap in enumerate(gaps) if gap > math.log(factor)), None)


def _read(vocabulary: Vocabulary, log_probabilities: Tensor, targets: Tensor) -> Surprisal:
    """From the log-probabilities (T, V) of all letters at each place, and the letters (T,) that stand there."""
    chosen = log_probabilities.gather(1, targets.unsqueeze(1))  # (T, 1)
    ranks = 1 + (log_probabilities > chosen).sum(1)
    return Surprisal(
        tuple(
            Place(letter, log_probability, rank, distribution)
            for letter, log_probability, rank, distribution in zip(
                vocabulary.decode(targets.tolist()),
                chosen[:, 0].tolist(),
                ranks.tolist(),
                log_probabilities.cpu(),
                strict=True,
            )
        )
    )
