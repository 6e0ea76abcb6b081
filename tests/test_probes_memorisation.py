"""Nearest names: against rapidfuzz's brute force, and by the laws of a distance."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from wavenames.names import bundled, split
from wavenames.probes.memorisation import (
    FAR,
    FEWEST,
    Nearest,
    _within,
    by_heart,
    distances,
    nearest,
    shares_by_distance,
    shelf,
)

# Few letters, so that names are alike; a sign, an accent and a letter beyond 16 bits among them.
NAME = st.text("ab-é𐐀", min_size=1, max_size=12)


def distance(one: str, other: str) -> int:
    return int(distances(one, shelf([other]))[0])


@given(st.one_of(NAME, st.text("abc", max_size=64)), st.lists(NAME, min_size=1, max_size=20))
def test_distances_are_rapidfuzzs(name: str, others: list[str]) -> None:
    """For names that fill a machine word of each width, and for none at all."""
    laid = shelf(others)
    assert distances(name, laid).tolist() == [Levenshtein.distance(name, other) for other in laid.names]


@pytest.mark.parametrize("letters", [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 59, 60, 64])
def test_a_name_that_just_fits_a_word_and_one_that_just_does_not(letters: int) -> None:
    name = ("abcd" * 16)[:letters]
    others = shelf([name, name[1:] + "z", name + "a", "b" + name, name[::-1], "a", "x" * 60])
    assert distances(name, others).tolist() == [Levenshtein.distance(name, other) for other in others.names]


@given(NAME, NAME)
def test_the_way_back_is_as_long(one: str, other: str) -> None:
    assert distance(one, other) == distance(other, one)
    assert (distance(one, other) == 0) == (one == other)


@given(NAME, NAME, NAME)
def test_a_detour_is_no_shorter(one: str, two: str, three: str) -> None:
    assert distance(one, three) <= distance(one, two) + distance(two, three)


def test_the_nearest_of_a_whole_list_is_that_of_brute_force_and_ties_go_by_the_alphabet() -> None:
    """Validation names of the list that ships against its training names, twins among them."""
    parts = split(bundled("ssa-2018").names)
    asked = [*parts.validation[:150], "q", "zzyzx", "bartholomew" * 3]
    alphabetical = sorted(set(parts.train))
    table = cdist(asked, alphabetical, scorer=Levenshtein.distance)
    rows = table.argmin(1)  # the first by the alphabet, where several are as near
    expected = [Nearest(alphabetical[row], int(table[i, row])) for i, row in enumerate(rows)]
    assert nearest(asked, shelf(parts.train)) == expected
    assert min(each.distance for each in expected) == 0


@given(st.lists(st.one_of(NAME, st.just(""), st.text("xyz")), max_size=5), st.lists(NAME, min_size=1, max_size=12))
def test_nothing_that_is_near_is_ruled_out(names: list[str], others: list[str]) -> None:
    """By length and letters alone: names far from all and with letters that no other has among them."""
    assert nearest(names, shelf(others)) == by_brute_force(names, others)


def test_letters_after_the_64th_rule_nothing_out_either() -> None:
    dice, letters = np.random.default_rng(0), [chr(0x4E00 + i) for i in range(130)]
    others = ["".join(dice.choice(letters, 6)) for _ in range(200)]
    laid = shelf(others)
    for other in others[:60]:
        name = other[:2] + "".join(dice.choice([*letters, "?"], 2)) + other[4:]
        for reach in range(7):
            rows = _within(reach, name, laid)
            near = {each for each in others if Levenshtein.distance(name, each) <= reach}
            assert near <= {laid.names[row] for row in rows}


def by_brute_force(names: list[str], others: list[str]) -> list[Nearest]:
    """The nearest for each; of several the first by the alphabet."""
    found = [min((Levenshtein.distance(name, other), other) for other in others) for name in names]
    return [Nearest(other, distance) for distance, other in found]


def test_names_are_laid_out_once_each_however_often_and_in_whatever_order_they_come() -> None:
    one, other = shelf(["bo", "anna", "bo", "ann"]), shelf(["ann", "bo", "anna"])
    assert one.names == other.names == ("anna", "ann", "bo")
    assert [len(column) for column in one.columns] == [3, 3, 2, 1]
    assert nearest(["anne", "anne", "b"], one) == [Nearest("ann", 1), Nearest("ann", 1), Nearest("bo", 1)]


def test_the_histogram_counts_all_that_is_far_together() -> None:
    found = [Nearest("x", distance) for distance in (0, 0, 1, FAR, FAR + 3)]
    assert shares_by_distance(found) == [0.4, 0.2, 0, 0, 0, 0.4]


def sides(times: Counter[int], train: set[int]) -> tuple[list[int], list[int]]:
    """How often each name came, of those in train and of the others."""
    return [n for name, n in times.items() if name in train], [n for name, n in times.items() if name not in train]


def test_a_few_names_drawn_again_and_again_prove_little() -> None:
    """A cold model that kept nothing in mind: the lot falls once for a name, not for each time that it is drawn."""
    dice = np.random.default_rng(2)
    times = Counter({name: 1 + 600 // (name + 5) for name in range(60)})
    misses = []
    for _ in range(300):
        in_train, held_out = sides(times, set(dice.permutation(1000)[:700].tolist()))
        found = by_heart(in_train, held_out, 700, 300)
        assert found is not None
        misses.append(found.known / found.error)
    assert 0.5 < np.std(misses) < 1.3
    assert np.mean(np.array(misses) > 2) < 0.1


def test_a_model_that_kept_nothing_in_mind_knows_nothing_by_heart() -> None:
    """Names drawn blindly from a list that was split by lot: the figure stays within its error."""
    dice = np.random.default_rng(1)
    train = set(range(800))
    misses = []
    for _ in range(200):
        drawn = dice.integers(0, 1000, 300)
        times = Counter(drawn.tolist())
        in_train, held_out = sides(times, train)
        found = by_heart(in_train, held_out, 800, 200)
        assert found is not None
        misses.append(found.known / found.error)
    assert abs(np.mean(misses)) < 0.2
    assert 0.7 < np.std(misses) < 1.3


def test_what_a_model_knows_by_heart_is_what_chance_leaves() -> None:
    found = by_heart(in_train=[1] * 363, held_out=[1] * 29, trained_on=24_000, not_trained_on=6000)
    assert found is not None
    assert (found.chance, found.known) == (116, 247)
    assert found.error == pytest.approx(math.sqrt(363 + 16 * 29))


def test_too_few_held_out_names_tell_nothing() -> None:
    assert by_heart([900], [1, 1, 1, 99], 4, 1) is None, "four different names, however often they came"
    assert by_heart([900], [1] * FEWEST, 4, 1) is not None
