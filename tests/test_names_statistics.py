"""A list in numbers: counted once more, by hand, and held against the packed names that models read."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenames.names import Packed, Vocabulary, bundled, shares, statistics, windows

NAMES = st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=20)


@settings(deadline=None)
@given(NAMES)
def test_pairs_are_counted_as_by_hand(names: list[str]) -> None:
    """Every pair of neighbours in ".name." counts once, in row and column of its letters."""
    found = statistics(names)
    by_hand = Counter(pair for name in names for pair in zip(f".{name}", f"{name}.", strict=True))
    symbols = found.vocabulary.symbols
    counted = {
        (symbols[row], symbols[column]): count
        for row, line in enumerate(found.pairs.tolist())
        for column, count in enumerate(line)
        if count
    }
    assert counted == by_hand


@settings(deadline=None)
@given(NAMES)
def test_the_totals_agree(names: list[str]) -> None:
    """Names by length, pairs and targets all speak of the same list."""
    found = statistics(names)
    assert sum(found.lengths.values()) == found.names == len(names)
    assert int(found.pairs.sum()) == found.targets == sum((length + 1) * n for length, n in found.lengths.items())
    assert found.distinct == found.names - sum(count - 1 for count in found.twins.values())


def test_twins_come_with_how_often_the_most_frequent_first() -> None:
    """A name that stands once is no twin."""
    assert list(statistics(["bo", "mia", "leo", "mia", "bo", "mia"]).twins.items()) == [("mia", 3), ("bo", 2)]


def test_the_list_that_ships_has_its_published_size() -> None:
    """32,257 rows with 29,693 distinct names, a to z, of at most 15 letters."""
    found = statistics(bundled("ssa-2018").names)
    assert (found.names, found.distinct, found.vocabulary.size) == (32_257, 29_693, 27)
    assert max(found.lengths) == 15


def test_shares_sum_to_one_in_each_row_that_has_counts() -> None:
    """A letter that nothing follows has no probabilities, rather than something divided by nothing."""
    rows = shares(torch.tensor([[1, 3], [0, 0]]))
    assert rows.tolist() == [[0.25, 0.75], [0.0, 0.0]]


def test_the_windows_of_a_name_are_the_lectures() -> None:
    """makemore: ... -> e, ..e -> m, and at last mma -> end."""
    assert windows("emma", 3) == [("...", "e"), ("..e", "m"), (".em", "m"), ("emm", "a"), ("mma", ".")]


@pytest.mark.parametrize("block_size", [1, 3, 8])
def test_windows_are_what_a_window_model_reads(block_size: int, tiny_names: tuple[str, ...]) -> None:
    """The same contexts and targets as the packed names give to a model."""
    vocabulary = Vocabulary.of(tiny_names)
    packed = Packed(tiny_names, vocabulary)
    (batch,) = packed.all(len(tiny_names))
    contexts = [vocabulary.decode(row) for row in batch.windows(block_size).tolist()]
    targets = vocabulary.decode(batch.targets.tolist())
    shown = [window for name in tiny_names for window in windows(name, block_size)]
    assert shown == list(zip(contexts, targets, strict=True))
