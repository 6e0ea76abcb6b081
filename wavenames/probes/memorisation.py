"""What a model knows by heart: how far its names stand from those that it was trained on.

Distance is Levenshtein's: how many letters must be put in, taken out or changed to make one name of another.
Levenshtein 1966, Binary codes capable of correcting deletions, insertions and reversals.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WORDS = (np.uint8, np.uint16, np.uint32, np.uint64)
"""Machine words that hold a bit for each letter of a name; the narrowest that does is the quickest."""
BITS = np.uint64(1) << np.arange(64, dtype=np.uint64)
FAR = 5
"""Distance from which on names are counted together: nothing of the nearest name is to be heard any more."""
FEWEST = 5
"""Different held-out names that must be among a model's own before training names are held against them."""


@dataclass(frozen=True)
class Nearest:
    """The name that stands nearest, of several the first by the alphabet, and its distance."""

    name: str
    distance: int


@dataclass(frozen=True, eq=False)
class Shelf:
    """Distinct names, laid out so that the distances from one name to all of them are found at once.

    They stand by length, longest first, and by the alphabet among those of a length: all names that have a letter
    at some place are then a slice.
    """

    names: tuple[str, ...]
    lengths: npt.NDArray[np.int64]
    """Letters of each name, (names,)."""
    ranks: npt.NDArray[np.int64]
    """The place of each name in the alphabet, (names,)."""
    letters: str
    """All letters that occur, sorted."""
    columns: tuple[npt.NDArray[np.intp], ...]
    """For each place, which of `letters` stands there in each name that is long enough."""
    has: npt.NDArray[np.uint64]
    """A bit for each of `letters` that a name has, (names,); those after the 64th share the bits of the first."""

    def longer_than(self, letters: int) -> int:
        """How many of the names, which are the first ones, have more letters."""
        if letters < 0:
            return len(self.names)
        return len(self.columns[letters]) if letters < len(self.columns) else 0


def shelf(names: Iterable[str]) -> Shelf:
    """Lay out names, of which there is at least one, for `distances` and `nearest`. Twins stand there once."""
    alphabetical = sorted(set(names))
    order = sorted(range(len(alphabetical)), key=lambda rank: -len(alphabetical[rank]))
    ordered = [alphabetical[rank] for rank in order]
    letters = "".join(sorted(set().union(*ordered)))
    number = {letter: i for i, letter in enumerate(letters)}
    lengths = np.array([len(name) for name in ordered])
    columns = []
    for place in range(lengths[0]):
        longer = int((lengths > place).sum())
        columns.append(np.array([number[name[place]] for name in ordered[:longer]], dtype=np.intp))
    has = np.zeros(len(ordered), dtype=np.uint64)
    for column in columns:
        has[: len(column)] |= BITS[column % len(BITS)]
    return Shelf(tuple(ordered), lengths, np.array(order), letters, tuple(columns), has)


def distances(name: str, others: Shelf, rows: npt.NDArray[np.intp] | None = None) -> npt.NDArray[np.int64]:
    """The distance from `name`, of at most 64 letters, to each of `others`, or to those in `rows` (rising) alone.

    Column for column of the table of distances, with a bit for each of its rows that says whether the distance
    rises or falls from the row above: Myers 1999, https://doi.org/10.1145/316542.316550, as in Hyyrö 2003,
    "A bit-vector algorithm for computing Levenshtein and Damerau edit distances". Here all other names take the
    step to their next letter together.
    """
    lengths, columns = others.lengths, others.columns
    if rows is not None:
        lengths = lengths[rows]
        columns = tuple(column[rows[: rows.searchsorted(len(column))]] for column in columns[: lengths.max()])
    if not name:
        return lengths.copy()
    word = next(word for word in WORDS if len(name) <= np.iinfo(word).bits)
    everything = np.array((1 << len(name)) - 1, dtype=word)
    one = word(1)
    where = np.zeros(len(others.letters), dtype=word)  # a bit for each place of `name` at which the letter stands
    for place, letter in enumerate(name):
        if letter in others.letters:
            where[others.letters.index(letter)] |= word(1 << place)
    rising = np.full(len(lengths), everything, dtype=word)
    falling = np.zeros(len(lengths), dtype=word)
    same, across, level = (np.empty_like(rising) for _ in range(3))
    for column in columns:
        n = len(column)
        up, down, eq, x, h = rising[:n], falling[:n], same[:n], across[:n], level[:n]
        np.take(where, column, out=eq, mode="clip")
        # x: a diagonal step costs nothing, (((eq & up) + up) ^ up) | eq
        np.bitwise_and(eq, up, out=x)
        np.add(x, up, out=x)
        np.bitwise_xor(x, up, out=x)
        np.bitwise_or(x, eq, out=x)
        np.bitwise_or(eq, down, out=eq)
        # h: the distance rises from the column before, down | ~(x | up); then `down`: it falls, up & x
        np.bitwise_or(x, up, out=h)
        np.invert(h, out=h)
        np.bitwise_or(h, down, out=h)
        np.bitwise_and(up, x, out=down)
        # Both one row on; above the first row stands the length of the other name, which always rises.
        np.left_shift(h, one, out=h)
        np.bitwise_or(h, one, out=h)
        np.left_shift(down, one, out=down)
        # The new column: up = down | ~(eq | h), down = h & eq
        np.bitwise_or(eq, h, out=x)
        np.invert(x, out=x)
        np.bitwise_or(down, x, out=up)
        np.bitwise_and(h, eq, out=down)
    found = lengths.copy()
    found += np.bitwise_count(np.bitwise_and(rising, everything))
    found -= np.bitwise_count(np.bitwise_and(falling, everything))
    return found


def nearest(names: Iterable[str], others: Shelf) -> list[Nearest]:
    """For each of `names` the nearest of `others`."""
    found: dict[str, Nearest] = {}
    return [found[name] if name in found else found.setdefault(name, _nearest(name, others)) for name in names]


def _nearest(name: str, others: Shelf) -> Nearest:
    """Only names that can be near are measured: most are ruled out by their lengths and letters alone."""
    reach, rows = 1, _within(1, name, others)
    while len(rows) == 0:
        reach *= 2
        rows = _within(reach, name, others)
    away = distances(name, others, rows)
    if away.min() > reach:  # as near as that there may be others, nearer ones too
        rows = _within(int(away.min()), name, others)
        away = distances(name, others, rows)
    nearest = rows[away == away.min()]
    return Nearest(others.names[nearest[others.ranks[nearest].argmin()]], int(away.min()))


def _within(reach: int, name: str, others: Shelf) -> npt.NDArray[np.intp]:
    """Rows of all names whose distance from `name` is `reach` or less, and of some that are farther.

    One change makes a name longer or shorter by at most one letter, brings in at most one that it does not have, and
    takes out at most one.
    """
    first, end = (others.longer_than(letters) for letters in (len(name) + reach, len(name) - reach - 1))
    places = {others.letters.find(letter) % len(BITS) for letter in name}  # of one that no other has, the last: -1
    mine = np.bitwise_or.reduce(BITS[[*places]], initial=np.uint64(0))
    has = others.has[first:end]
    near = (np.bitwise_count(has & ~mine) <= reach) & (np.bitwise_count(mine & ~has) <= reach)
    return np.flatnonzero(near) + first


def shares_by_distance(found: Sequence[Nearest]) -> list[float]:
    """Shares (0 to 1) of names at distance 0, 1, 2 …, the last of them at `FAR` and beyond."""
    counts = Counter(min(each.distance, FAR) for each in found)
    return [counts[distance] / len(found) for distance in range(FAR + 1)]


@dataclass(frozen=True)
class ByHeart:
    """Training names among a model's own: how many would be there by chance, and how many it knows by heart."""

    chance: float
    known: float
    """Beyond `chance`; below zero if there are fewer."""
    error: float
    """Standard error of `known`."""


def by_heart(
    in_train: Collection[int], held_out: Collection[int], trained_on: int, not_trained_on: int
) -> ByHeart | None:
    """Split the training names that a model wrote into those it would have met by chance and the rest.

    A split is drawn by lot. A model that kept no name in mind meets the names of both sides alike, as often as there
    are of each: the held-out names among its own tell how many of the others go with them. (On a lecture split names
    that stand twice are likelier to be on the train side; there the figure is a little too large.)

    Args:
        in_train: How often each training name came that was drawn from the model.
        held_out: How often each name came that stands in validation or test alone.
        trained_on: Distinct names in train.
        not_trained_on: Distinct names in validation or test alone.

    Returns:
        None where fewer than `FEWEST` held-out names were met, too few to tell. The lot falls once for a name,
        however often it is drawn: errors are those of counts (Poisson), where a name that came n times weighs n².
    """
    if len(held_out) < FEWEST:
        return None
    ratio = trained_on / not_trained_on
    chance = sum(held_out) * ratio
    squares, squares_held_out = (sum(times**2 for times in each) for each in (in_train, held_out))
    return ByHeart(chance, sum(in_train) - chance, math.sqrt(squares + ratio**2 * squares_held_out))
