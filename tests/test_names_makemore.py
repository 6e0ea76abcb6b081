"""Published figures of makemore's names.txt, which may not ship with the project.

Set WAVENAMES_MAKEMORE to the file, or lay it at ../shared/data/names.txt beside the project's folder.
"""

import os
from pathlib import Path

import pytest

from wavenames.names import NameList, Packed, Vocabulary, leak, makemore, read_list, split

BESIDE = Path(__file__).parents[2] / "shared" / "data" / "names.txt"


@pytest.fixture(scope="module")
def data() -> bytes:
    """The bytes of names.txt."""
    path = Path(os.environ.get("WAVENAMES_MAKEMORE", BESIDE))
    if not path.exists():
        pytest.skip(f"makemore's names.txt is not at {path}; set WAVENAMES_MAKEMORE to check published figures")
    return path.read_bytes()


@pytest.fixture(scope="module")
def names(data: bytes) -> NameList:
    return makemore(data)


def test_the_list_is_the_unrevised_one(data: bytes, names: NameList) -> None:
    """Rows, distinct names, and where boys begin; an upload gives the same names."""
    assert len(names.names) == 32_033
    assert len(set(names.names)) == 29_494
    assert names.sex is not None
    assert list(zip(names.names, names.sex, strict=True))[18_028:18_030] == [("zyona", "F"), ("liam", "M")]
    assert read_list(data, "names.txt").names == names.names


def test_the_lecture_split_has_the_notebooks_targets(names: NameList) -> None:
    """182,625 / 22,655 / 22,866 targets, "yuheng" first."""
    parts = split(names.names)
    vocabulary = Vocabulary.of(names.names)
    assert parts.train[0] == "yuheng"
    assert vocabulary.size == 27
    assert [Packed(part, vocabulary).targets_count for part in (parts.train, parts.validation, parts.test)] == [
        182_625,
        22_655,
        22_866,
    ]


def test_the_lecture_split_leaks_as_published(names: NameList) -> None:
    """13.2% of validation rows and 11.8% of test rows stand in train too; none in the unique split."""
    shares = leak(split(names.names))
    assert round(shares.validation, 3) == 0.132
    assert round(shares.test, 3) == 0.118
    unique = split(names.names, "unique")
    assert len(unique.train + unique.validation + unique.test) == 29_494
    assert leak(unique).validation == leak(unique).test == 0
