"""What a loss proves: two models held against each other name by name, and the lowest loss that a context allows.

Validation names choose between models; all comparisons here are made on them. Losses are nats per letter.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch

from wavenames.config import signed
from wavenames.names import Packed, Split
from wavenames.training import Evaluation, by_name, mean_and_error

RESAMPLES = 2000
AT_ONCE = 1 << 22
"""Draws of names that are held in memory at a time."""
TWICE = 2
TOLERANCE = 1e-4
"""Nats per letter by which a loss may miss its floor through rounding alone."""


# ------------------------------------------------------------------------------------------- two models, paired


@dataclass(frozen=True)
class Paired:
    """How much lower the loss of a first model is than that of a second on the same names.

    Positive where the first is better. `low` and `high` are the ends of the 95% interval, `error` is the standard
    error, by the formula where the interval is by resampling.
    """

    gain: float
    low: float
    high: float
    error: float

    def sentence(self, first: str, second: str) -> str:
        """What can be said of the two models by these names."""
        if self.low > 0:
            return f"{first} is better than {second} by {self.gain:.3f} ({self.low:.3f} to {self.high:.3f})."
        if self.high < 0:
            return f"{second} is better than {first} by {-self.gain:.3f} ({-self.high:.3f} to {-self.low:.3f})."
        interval = f"{signed(self.low)} to {signed(self.high)}"
        return f"No difference between {first} and {second} that this test can see ({interval})."


def paired(first: Evaluation, second: Evaluation, seed: int = 0) -> Paired:
    """Compare two models by their evaluations on the same names, in the same order.

    A name that is hard is hard for both, so the difference is far surer than the two losses are. Its interval is a
    percentile bootstrap over distinct names: `RESAMPLES` times as many names as there are are drawn with replacement,
    each with all its rows, and the middle 95% of the differences kept. Efron and Tibshirani 1993, An Introduction to
    the Bootstrap, chapter 13; rows that go together, Davison and Hinkley 1997, Bootstrap Methods, section 3.8.
    """
    if not torch.equal(first.lengths, second.lengths):
        raise ValueError("the two models were evaluated on different names")
    per_row = second.per_name - first.per_name
    gain, error = mean_and_error(per_row, first.lengths, first.name_ids)
    gains, lengths = by_name(per_row, first.name_ids), by_name(first.lengths, first.name_ids).double()
    dice, drawn = torch.Generator().manual_seed(seed), []
    for size in _slices(RESAMPLES, max(AT_ONCE // len(gains), 1)):
        names = torch.randint(len(gains), (size, len(gains)), generator=dice)
        drawn.append(gains[names].sum(1) / lengths[names].sum(1))
    low, high = torch.cat(drawn).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Paired(gain, low, high, error)


def _slices(total: int, most: int) -> list[int]:
    """`total` in parts of at most `most`."""
    return [min(most, total - begin) for begin in range(0, total, most)]


# ------------------------------------------------------------------------------------------- seen and unseen names


def seen_and_unseen(
    found: Evaluation, names: Sequence[str], train: Collection[str]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Loss and its standard error on those of `names` that stand in `train` too, and on the rest.

    `found` is a model's evaluation on `names`, in their order. Where there are no such names, both are nan.
    """
    known = set(train)
    seen = torch.tensor([name in known for name in names])

    def part(rows: torch.Tensor) -> tuple[float, float]:
        if not rows.any():
            return math.nan, math.nan
        return mean_and_error(found.per_name[rows], found.lengths[rows], found.name_ids[rows])

    return part(seen), part(~seen)


@dataclass(frozen=True)
class Side:
    """Loss of a model on some validation names, nats per letter, its standard error, how many different they are."""

    loss: float
    error: float
    names: int

    def below(self, other: Side) -> tuple[float, float]:
        """How much lower this loss is than that of `other`, on other names, and the standard error of that."""
        return other.loss - self.loss, math.hypot(self.error, other.error)


@dataclass(frozen=True)
class Leaked:
    """What a split that parts twins does to a model's validation loss, and what having seen a name is worth.

    Names that stand twice on a list may be easier or harder than others, seen or not. The lot decides, row by row, on
    which side of the split they fall: of names that stand twice and once at least in validation, those whose other
    row is in train and those without a row there are alike but for what the model has seen.
    """

    everything: float
    """Loss on all validation names."""
    seen: Side
    """On those that stand in train too."""
    unseen: Side
    once: Side
    """On names that stand twice, once of that in train."""
    never: Side
    """On names that stand twice, and not in train."""


def leaked(found: Evaluation, parts: Split) -> Leaked:
    """Split a model's evaluation on the validation names of `parts` by what it has seen of them.

    Two rows of one name in validation count as one name with twice the letters.
    """
    names = parts.validation
    train, times = set(parts.train), Counter((*parts.train, *names, *parts.test))
    seen, unseen = (
        Side(*side, len({name for name in names if (name in train) is known}))
        for side, known in zip(seen_and_unseen(found, names, train), (True, False), strict=True)
    )
    sums: dict[str, list[float]] = {}
    for name, nats, letters in zip(names, found.per_name.tolist(), found.lengths.tolist(), strict=True):
        if times[name] == TWICE:
            so_far = sums.setdefault(name, [0.0, 0.0])
            so_far[0] += nats
            so_far[1] += letters
    once, never = ([each for name, each in sums.items() if (name in train) is known] for known in (True, False))
    return Leaked(found.loss, seen, unseen, _side(once), _side(never))


def _side(sums: Sequence[Sequence[float]]) -> Side:
    if not sums:
        return Side(math.nan, math.nan, 0)
    nats, letters = torch.tensor(sums, dtype=torch.float64).T
    return Side(*mean_and_error(nats, letters, torch.arange(len(sums))), len(sums))


# ------------------------------------------------------------------------------------------------ the lowest loss


def loss_floor(names: Packed, context: int) -> float:
    """The lowest loss on `names` of any model that sees the last `context` letters, '.' before the start.

    Where `names` have labels, the model is told them.

    It is that of a model which knows these names by heart, the entropy of the next letter given the letters seen,
    -1/N sum of n(context, letter) log(n(context, letter) / n(context)): names that begin alike keep it above zero.
    Shannon 1951, Prediction and Entropy of Printed English, https://doi.org/10.1002/j.1538-7305.1951.tb01366.x
    """
    size = names.vocabulary.size
    # The number of each target's context, one letter longer each time; at first, what is told of its name.
    places = torch.zeros_like(names.targets)
    if names.labels is not None:
        _, told = torch.unique(names.labels, dim=0, return_inverse=True)
        places = told.repeat_interleave(names.lengths.to(told.device), output_size=len(places))
    for back in range(min(context, int(names.lengths.max()))):
        letters = torch.where(names.positions >= back, names.letters.roll(back), 0)
        _, places = torch.unique(places * size + letters, return_inverse=True)
    _, times = torch.unique(places, return_counts=True)
    _, together = torch.unique(places * size + names.targets, return_counts=True)
    return float(((times * times.double().log()).sum() - (together * together.double().log()).sum()) / times.sum())


def target_leak(train_loss: float, floor: float, context: int) -> str | None:
    """The sentence for a training loss that no honest model can have; None for any other.

    `floor` is `loss_floor` of the training names for the `context` letters that the model says it sees.
    """
    if not train_loss < floor - TOLERANCE:  # a loss that is not a number is none either
        return None
    return (
        f"The target leaks: the train loss {train_loss:.3f} is below {floor:.3f}, the lowest that any model of "
        f"{context} letters can reach on these names. The model sees something of the letter that it is to predict."
    )
