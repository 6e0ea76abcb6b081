"""Published figures of makemore's names.txt, which may not ship with the project.

Set WAVENAMES_MAKEMORE to the file, or lay it at ../shared/data/names.txt beside the project's folder.
"""

from wavenames.names import NameList, Packed, Vocabulary, leak, makemore, read_list, split


def test_the_list_is_the_unrevised_one(makemore_bytes: bytes, makemore_names: NameList) -> None:
    """Rows, distinct names, and where boys begin; an upload gives the same names."""
    assert len(makemore_names.names) == 32_033
    assert len(set(makemore_names.names)) == 29_494
    assert list(zip(makemore_names.names, makemore_names.labels["sex"], strict=True))[18_028:18_030] == [
        ("zyona", "F"),
        ("liam", "M"),
    ]
    assert read_list(makemore_bytes, "names.txt").names == makemore_names.names


def test_the_lecture_split_has_the_notebooks_targets(makemore_names: NameList) -> None:
    """182,625 / 22,655 / 22,866 targets, "yuheng" first."""
    parts = split(makemore_names.names)
    vocabulary = Vocabulary.of(makemore_names.names)
    assert parts.train[0] == "yuheng"
    assert vocabulary.size == 27
    assert [Packed(part, vocabulary).targets_count for part in (parts.train, parts.validation, parts.test)] == [
        182_625,
        22_655,
        22_866,
    ]


def test_the_lecture_split_leaks_as_published(makemore_names: NameList) -> None:
    """13.2% of validation rows and 11.8% of test rows stand in train too; none in the unique split."""
    shares = leak(split(makemore_names.names))
    assert round(shares.validation, 3) == 0.132
    assert round(shares.test, 3) == 0.118
    unique = split(makemore_names.names, "unique")
    assert len(unique.train + unique.validation + unique.test) == 29_494
    assert leak(unique).validation == leak(unique).test == 0


def test_its_file_is_known_whatever_it_is_called(makemore_bytes: bytes) -> None:
    """An upload of it knows the sex of each row as well; one letter more, and it is a list like any other."""
    found = read_list(makemore_bytes, "names.txt")
    assert found == makemore(makemore_bytes)
    other = read_list(makemore_bytes + b"a", "names.txt")
    assert other.id.startswith("upload-")
    assert other.labels == {}
