"""Packed names against a naive oracle that builds every row in plain Python."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenames.config import Refusal
from wavenames.names import Batch, Packed, Vocabulary

ABC = Vocabulary("abcde")
NAMES = st.lists(st.text("abcde", max_size=9), min_size=1, max_size=12)
no_deadline = settings(deadline=None)


def naive(names: list[str]) -> dict[str, list[int]]:
    """The rows of `names`, letter by letter."""
    rows: dict[str, list[int]] = {"letters": [], "targets": [], "positions": [], "offsets": [0]}
    for name in names:
        numbers = ABC.encode(name)
        rows["letters"] += [0, *numbers]
        rows["targets"] += [*numbers, 0]
        rows["positions"] += range(len(name) + 1)
        rows["offsets"].append(len(rows["targets"]))
    return rows


def lists(batch: Batch | Packed) -> dict[str, list[int]]:
    return {field: getattr(batch, field).tolist() for field in ("letters", "targets", "positions", "offsets")}


def test_the_example_of_the_docstring() -> None:
    """Two names, every tensor written out."""
    packed = Packed(["ab", "c"], Vocabulary("abc"))
    assert packed.letters.tolist() == [0, 1, 2, 0, 3]
    assert packed.targets.tolist() == [1, 2, 0, 3, 0]
    assert packed.positions.tolist() == [0, 1, 2, 0, 1]
    assert packed.offsets.tolist() == [0, 3, 5]
    assert packed.lengths.tolist() == [3, 2]
    assert (len(packed), packed.targets_count) == (2, 5)
    assert {packed.letters.dtype, packed.targets.dtype, packed.offsets.dtype} == {torch.int64}


@no_deadline
@given(NAMES, st.data())
def test_a_batch_holds_the_chosen_names_in_the_chosen_order(names: list[str], data: st.DataObject) -> None:
    """Any indices, repeats included, give what packing those names by hand gives."""
    packed = Packed(names, ABC)
    assert lists(packed) == naive(names)
    indices = data.draw(st.lists(st.integers(0, len(names) - 1), max_size=20))
    batch = packed.batch(torch.tensor(indices, dtype=torch.int64))
    assert lists(batch) == naive([names[index] for index in indices])
    assert batch.rows is None
    assert len(batch.offsets) == len(indices) + 1
    assert torch.equal(batch.wanted, batch.targets)


@no_deadline
@given(NAMES, st.data())
def test_prefixes_end_at_the_wanted_target(names: list[str], data: st.DataObject) -> None:
    """Each chosen target comes with its own name up to it, and nothing after it."""
    packed = Packed(names, ABC)
    rows = data.draw(st.lists(st.integers(0, packed.targets_count - 1), max_size=20))
    batch = packed.prefixes(torch.tensor(rows, dtype=torch.int64))
    assert batch.rows is not None
    assert batch.wanted.tolist() == packed.targets[rows].tolist()
    assert len(batch.offsets) == len(rows) + 1
    for number, row in enumerate(rows):
        first = row - int(packed.positions[row])
        own = slice(int(batch.offsets[number]), int(batch.offsets[number + 1]))
        assert torch.equal(batch.letters[own], packed.letters[first : row + 1])
        assert torch.equal(batch.targets[own], packed.targets[first : row + 1])
        assert torch.equal(batch.positions[own], packed.positions[first : row + 1])
        assert int(batch.rows[number]) == own.stop - 1


@no_deadline
@given(NAMES, st.integers(1, 14))
def test_chunks_in_order_make_the_whole_list(names: list[str], chunk: int) -> None:
    """Evaluation sees every name once, in the order of the list."""
    batches = list(Packed(names, ABC).all(chunk))
    starts = range(0, len(names), chunk)
    assert [lists(batch) for batch in batches] == [naive(names[start : start + chunk]) for start in starts]


@no_deadline
@given(NAMES, st.integers(1, 12), st.booleans(), st.data())
def test_windows_are_those_of_the_notebook(names: list[str], k: int, some_rows: bool, data: st.DataObject) -> None:
    """Context windows equal the notebook's generate_dataset, for whole names and for chosen targets."""
    expected = []
    for name in names:
        context = [0] * k
        for number in [*ABC.encode(name), 0]:
            expected.append(context)
            context = [*context[1:], number]
    packed = Packed(names, ABC)
    if some_rows:
        rows = data.draw(st.lists(st.integers(0, packed.targets_count - 1), min_size=1, max_size=20))
        windows = packed.prefixes(torch.tensor(rows)).windows(k)
        assert windows.tolist() == [expected[row] for row in rows]
    else:
        assert packed.batch(torch.arange(len(names))).windows(k).tolist() == expected


def test_an_unknown_letter_is_refused_with_its_name() -> None:
    """A list with a letter outside the vocabulary can't be packed by accident."""
    with pytest.raises(Refusal, match=r"'anna'.*'n' is not a letter known here; known are abcde"):
        Packed(["abba", "anna"], ABC)


def test_an_empty_list_packs_to_nothing() -> None:
    """No names means no targets and no batches, not an error."""
    packed = Packed([], ABC)
    assert (len(packed), packed.targets_count, list(packed.all(4))) == (0, 0, [])


@no_deadline
@given(NAMES, st.data())
def test_labels_go_with_their_names_into_every_kind_of_batch(names: list[str], data: st.DataObject) -> None:
    """By index, by target and in chunks; without labels there are none."""
    labels = data.draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=len(names), max_size=len(names))
    )
    packed = Packed(names, ABC, labels=labels)
    assert packed.labels is not None
    indices = data.draw(st.lists(st.integers(0, len(names) - 1), min_size=1, max_size=20))
    batch = packed.batch(torch.tensor(indices))
    assert batch.labels is not None
    assert batch.labels.tolist() == [list(labels[index]) for index in indices]
    whose = [number for number, name in enumerate(names) for _ in range(len(name) + 1)]
    rows = data.draw(st.lists(st.integers(0, packed.targets_count - 1), min_size=1, max_size=20))
    batch = packed.prefixes(torch.tensor(rows))
    assert batch.labels is not None
    assert batch.labels.tolist() == [list(labels[whose[row]]) for row in rows]
    chunks = [batch.labels for batch in packed.all(3)]
    assert torch.equal(torch.cat([chunk for chunk in chunks if chunk is not None]), packed.labels)
    assert Packed(names, ABC).batch(torch.tensor(indices)).labels is None
