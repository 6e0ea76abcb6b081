"""Splits: the notebook's, and the one without twins."""

import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wavenames.config import Refusal
from wavenames.names import Split, leak, split


@settings(deadline=None)
@given(st.lists(st.text("ab", max_size=3), min_size=10, max_size=60))
def test_the_lecture_split_is_the_notebooks(names: list[str]) -> None:
    """Same seed, same shuffle, same cuts as get_split of the notebook."""
    data = list(names)
    random.seed(42)
    random.shuffle(data)
    n1, n2 = int(0.8 * len(data)), int((0.8 + 0.1) * len(data))
    parts = split(names)
    assert parts.kind == "lecture"
    assert (list(parts.train), list(parts.validation), list(parts.test)) == (
        data[:n1],
        data[n1:n2],
        data[n2:],
    )


@settings(deadline=None)
@given(st.lists(st.text("abc", max_size=4), min_size=10, max_size=60, unique=True), st.integers(0, 9))
def test_the_unique_split_holds_each_name_once_and_leaks_nothing(names: list[str], seed: int) -> None:
    """Duplicates go before the shuffle, so that no held-out name was trained on."""
    parts = split(names + names[::2], "unique", seed=seed)
    assert sorted(parts.train + parts.validation + parts.test) == sorted(names)
    lecture = split(names, seed=seed)
    assert (parts.train, parts.validation, parts.test) == (lecture.train, lecture.validation, lecture.test)
    assert leak(parts).validation == leak(parts).test == 0


def test_the_seed_decides_the_order() -> None:
    """One seed, one split; another seed, another."""
    names = [str(number) for number in range(50)]
    assert split(names, seed=1) == split(names, seed=1)
    assert split(names, seed=1) != split(names, seed=2)


def test_a_split_leaves_random_numbers_elsewhere_alone() -> None:
    """The notebook seeds the whole process; this must not."""
    random.seed(7)
    expected = random.random()
    random.seed(7)
    split(["a"] * 10)
    assert random.random() == expected


def test_the_leak_is_the_share_of_rows_seen_in_training() -> None:
    """Rows count, not distinct names."""
    shares = leak(Split("lecture", ("a", "b"), ("a", "a", "c", "d"), ("x", "b", "y", "z")))
    assert (shares.validation, shares.test) == (0.5, 0.25)


def test_fractions_that_sum_to_one_up_to_rounding_are_taken() -> None:
    """0.7 + 0.2 + 0.1 is a float just below 1, which the notebook's comparison refuses."""
    assert 0.7 + 0.2 + 0.1 != 1
    parts = split(["a"] * 20, fractions=(0.7, 0.2, 0.1))
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [14, 4, 2]


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ((0.8, 0.1, 0.2), r"train 0\.8, validation 0\.1, test 0\.2; they sum to 1\.1 and must sum to 1"),
        ((1.1, -0.2, 0.1), r"^The validation fraction is -0\.2; allowed is a number above 0"),
        ((0.9, 0.1, 0.0), r"^The test fraction is 0\.0; allowed"),
        ((float("nan"), 0.5, 0.5), "^The train fraction is nan; allowed"),
    ],
)
def test_impossible_fractions_are_refused_by_name(fractions: tuple[float, float, float], message: str) -> None:
    """The sentence says which fraction, and what came."""
    with pytest.raises(Refusal, match=message):
        split(["a"] * 20, fractions=fractions)


def test_what_is_too_few_for_a_unique_split_are_different_names() -> None:
    """A list of twenty rows may hold but one."""
    said = "The list of 1 different name is too short for a unique split; none is left for train. 10 are enough."
    with pytest.raises(Refusal, match=said):
        split(["a"] * 20, "unique")


def test_an_unknown_kind_is_refused() -> None:
    """The sentence lists the kinds there are."""
    with pytest.raises(Refusal, match=r"^Split is 'random'; allowed is one of lecture, unique"):
        split(["a"] * 20, "random")


@pytest.mark.parametrize(("names", "part"), [([], "train"), (["a", "b"], "validation"), (["a"] * 5, "validation")])
def test_a_list_too_short_for_three_parts_is_refused(names: list[str], part: str) -> None:
    """A loss over no names would mean nothing."""
    with pytest.raises(
        Refusal,
        match=f"The list of {len(names)} names? is too short for a lecture split; none is left for {part}. "
        "10 are enough.",
    ):
        split(names)
    for enough in range(10, 100):
        found = split(["a"] * enough)
        assert all((found.train, found.validation, found.test))


NAMES_AND_LABELS = st.lists(st.tuples(st.text("ab", max_size=3), st.integers(0, 3)), min_size=12, max_size=60)


@settings(deadline=None)
@given(NAMES_AND_LABELS, st.sampled_from(["lecture", "unique"]))
def test_labels_go_with_their_names(rows: list[tuple[str, int]], kind: str) -> None:
    """Lecture: the same parts as without, row by row. Unique: each distinct pair once, each name in one part."""
    names, labels = [name for name, _ in rows], [(label,) for _, label in rows]
    assume(kind == "lecture" or len(set(names)) >= 12)
    parts, plain = split(names, kind, labels=labels), split(names, kind)
    pairs = {
        part: list(zip(getattr(parts, part), (label for (label,) in parts.labels[part]), strict=True))
        for part in ("train", "validation", "test")
    }
    every = [pair for part in pairs.values() for pair in part]
    assert plain.labels == {}
    if kind == "lecture":
        assert sorted(every) == sorted(rows)
        assert (parts.train, parts.validation, parts.test) == (plain.train, plain.validation, plain.test)
    else:
        assert sorted(every) == sorted(set(rows))
        for part in pairs:
            assert list(dict.fromkeys(getattr(parts, part))) == list(getattr(plain, part))


def test_a_label_is_never_swapped_between_two_rows_of_one_name() -> None:
    """Twins with different labels: each row keeps its own, in the order of the shuffle."""
    names, labels = ["a"] * 20, [(i,) for i in range(20)]
    parts = split(names, labels=labels)
    order = list(range(20))
    random.Random(42).shuffle(order)
    assert [label for part in ("train", "validation", "test") for (label,) in parts.labels[part]] == order
