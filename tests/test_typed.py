"""What people type becomes a name that a model can read, or one sentence."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenames.config import Refusal
from wavenames.names import Vocabulary
from wavenames.ui.typed import as_known, known_beginning

SMALL = Vocabulary("abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize(
    ("typed", "letters", "name"),
    [
        ("  Isabella ", SMALL.letters, "isabella"),
        ("Zoe\u0308", "eozë", "zoë"),
        ("Anna", "Aan", "Anna"),
        ("ANNA", "an", "anna"),
        ("", "ab", ""),
    ],
)
def test_a_name_is_brought_to_the_letters_that_a_model_knows(typed: str, letters: str, name: str) -> None:
    """Outer spaces go, accents are composed, capitals stay only where they are known."""
    assert as_known(typed, Vocabulary("".join(sorted(letters)))) == name


@pytest.mark.parametrize("typed", ["zoë", "a b", "a.b", "\U0001f600", "a" * 61])
def test_what_cannot_be_read_is_refused_in_one_short_sentence(typed: str) -> None:
    with pytest.raises(Refusal) as refused:
        as_known(typed, SMALL)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("José", "jose"),
        ("Anne-Marie", "annemarie"),
        ("O\u2019Neil", "oneil"),
        ("Mary Ann", "maryann"),
        ("Zoe\u0308", "zoe"),
        ("שלום", None),
        ("Zo5", None),
        ("-", None),
        ("a.b", None),
    ],
)
def test_a_name_whose_letters_are_known_is_offered_without_its_signs(typed: str, offered: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        as_known(typed, SMALL)
    assert str(refused.value).endswith("xyz." if offered is None else f"xyz. Try {offered}.")
    if offered is not None:
        assert as_known(offered, SMALL) == offered


def test_a_pattern_keeps_its_signs_in_what_is_offered() -> None:
    with pytest.raises(Refusal, match=r"Try jos\?\*\.$"):
        as_known("Jós?*", SMALL, besides="?*")


@given(st.text(max_size=80))
def test_the_known_beginning_can_always_be_read(typed: str) -> None:
    """Whatever was typed, and it is all of the name where the name itself is known."""
    beginning = known_beginning(typed, SMALL)
    assert as_known(beginning, SMALL) == beginning
    with suppress(Refusal):
        assert beginning == as_known(typed, SMALL)


def test_the_known_beginning_keeps_capitals_that_are_known() -> None:
    assert known_beginning("Anna5", Vocabulary("Aan")) == "Anna"
    assert known_beginning("Anna5", SMALL) == "anna"
