"""Training, validation and test names, in the two ways that the laboratory always names beside a loss."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wavenames.config import Refusal
from wavenames.names.vocabulary import printable

SPLITS = {
    "lecture": "rows shuffled as they are: a name that stands twice may be in train and in validation",
    "unique": "duplicates removed first: no validation or test name was seen in training",
}
"""The kinds of split, each with what it does."""

_PARTS = ("train", "validation", "test")

Labels = tuple[int, ...]
"""What is known of one name: a number for each kind of label, see `names.labels`."""


@dataclass(frozen=True)
class Split:
    """The names of each part, in the order that the shuffle gave them, and their labels where a run wants any."""

    kind: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    labels: Mapping[str, tuple[Labels, ...]] = field(default_factory=dict)
    """By part, row by row; empty where there are none."""


@dataclass(frozen=True)
class Leak:
    """The share (0 to 1) of validation rows and of test rows whose name also stands in train."""

    validation: float
    test: float


def split(
    names: Sequence[str],
    kind: str = "lecture",
    *,
    labels: Sequence[Labels] | None = None,
    seed: int = 42,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
) -> Split:
    """Shuffle `names` and cut them into train, validation and test.

    The order and the cuts are those of the notebook and of makemore's lectures
    (https://github.com/karpathy/nn-zero-to-hero): with the seed 42, its names file and kind "lecture", every
    part holds the same names in the same order.

    `labels`, one entry for each name, go along with their names. Kind "unique" then divides the distinct names as
    ever, and each part holds every distinct (name, labels) of its names: no name stands in two parts.

    Refuses an unknown kind, fractions that are not positive or don't sum to one, and a list too short to give
    each part a name.
    """
    if kind not in SPLITS:
        raise Refusal(f"Split is {printable(kind)}; allowed is one of {', '.join(SPLITS)}.")
    for part, fraction in zip(_PARTS, fractions, strict=True):
        if not fraction > 0:
            raise Refusal(f"The {part} fraction is {fraction}; allowed is a number above 0: each part needs names.")
    # The notebook compares the sum with 1 exactly, so that it refuses 0.7 + 0.2 + 0.1, a float just below 1.
    if not math.isclose(sum(fractions), 1):
        shares = ", ".join(f"{part} {fraction}" for part, fraction in zip(_PARTS, fractions, strict=True))
        raise Refusal(f"Fractions are {shares}; they sum to {sum(fractions):g} and must sum to 1.")

    groups = _groups(names, labels) if kind == "unique" else [*zip(range(len(names)))]
    random.Random(seed).shuffle(groups)
    first, second = int(fractions[0] * len(groups)), int((fractions[0] + fractions[1]) * len(groups))
    parts = dict(zip(_PARTS, (groups[:first], groups[first:second], groups[second:]), strict=True))
    for part, own in parts.items():
        if not own:
            enough = math.ceil(1 / max(min(fractions), 1e-12))
            counted = f"{len(groups)} {'different ' * (kind == 'unique')}name{'s' * (len(groups) != 1)}"
            raise Refusal(
                f"The list of {counted} is too short for a {kind} split; none is left for {part}. "
                f"{enough:,} are enough."
            )
    rows = {part: [row for group in own for row in group] for part, own in parts.items()}
    train, validation, test = (tuple(map(names.__getitem__, own)) for own in rows.values())
    carried = {} if labels is None else {part: tuple(map(labels.__getitem__, own)) for part, own in rows.items()}
    return Split(kind, train, validation, test, carried)


def _groups(names: Sequence[str], labels: Sequence[Labels] | None) -> list[tuple[int, ...]]:
    """For each distinct name, in the order of the list, the rows that stay together: one for each of its labels."""
    rows: dict[str, dict[object, int]] = {}
    for row, (name, own) in enumerate(zip(names, labels or names, strict=True)):
        rows.setdefault(name, {}).setdefault(own, row)
    return [tuple(each.values()) for each in rows.values()]


def leak(split: Split) -> Leak:
    """How much of validation and test a model has already seen in training. Zero for a unique split."""
    seen = set(split.train)

    def share(rows: tuple[str, ...]) -> float:
        return sum(name in seen for name in rows) / len(rows)

    return Leak(share(split.validation), share(split.test))
