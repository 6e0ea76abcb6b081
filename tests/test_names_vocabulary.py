"""Letters and their numbers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenames.config import Refusal
from wavenames.names import END, Vocabulary
from wavenames.names.vocabulary import is_letter, printable

LETTERS = st.characters().filter(is_letter)


def test_the_end_mark_is_zero_and_sorted_letters_follow() -> None:
    """The numbers are the notebook's."""
    vocabulary = Vocabulary.of(["emma", "zoe"])
    assert vocabulary.letters == "aemoz"
    assert vocabulary.symbols == ".aemoz"
    assert vocabulary.size == 6
    assert vocabulary.encode("zoe") == [5, 4, 2]
    assert vocabulary.decode([END, 5, 4, 2, END]) == ".zoe."


@settings(deadline=None)
@given(st.lists(st.text(LETTERS)))
def test_decoding_gives_back_what_was_encoded(names: list[str]) -> None:
    """Any names in any script survive the way to numbers and back."""
    vocabulary = Vocabulary.of(names)
    assert [vocabulary.decode(vocabulary.encode(name)) for name in names] == names
    assert Vocabulary(vocabulary.letters) == vocabulary


@pytest.mark.parametrize("name", ["anne-marie", "o'neil", "mary ann", "zoë", "שרה", "さくら", "सीता"])
def test_letters_of_any_script_hyphen_apostrophe_and_space_may_stand_in_a_name(name: str) -> None:
    """A name is not only a to z."""
    vocabulary = Vocabulary.of([name])
    assert vocabulary.decode(vocabulary.encode(name)) == name


@pytest.mark.parametrize("bad", [".", "\n", "\x00", "\x1b", "\u2028", "\u202e", "\ud800"])
def test_the_end_mark_and_control_characters_are_no_letters(bad: str) -> None:
    """Nothing that would end a name early or disturb a terminal becomes a letter."""
    with pytest.raises(Refusal, match="can't be a letter"):
        Vocabulary.of(["a" + bad])


@pytest.mark.parametrize("letters", ["ba", "aab"])
def test_letters_out_of_order_or_twice_are_refused(letters: str) -> None:
    """A vocabulary that was tampered with would give letters other numbers."""
    with pytest.raises(Refusal, match="distinct and sorted"):
        Vocabulary(letters)


def test_a_name_that_runs_from_right_to_left_is_kept_apart_from_the_sentence() -> None:
    """In isolates (Unicode's UAX 9); the quotes stay outside, and names of other scripts stay as they are."""
    with pytest.raises(Refusal) as refused:
        Vocabulary("ab").encode("\u05e9\u05dc")
    assert str(refused.value) == (
        "In '\u2068\u05e9\u05dc\u2069', '\u2068\u05e9\u2069' is not a letter known here; known are ab."
    )
    with pytest.raises(Refusal, match=r"known are \u2068\u05d0\u05d1\u2069\.$"):
        Vocabulary("\u05d0\u05d1").encode("z")
    assert printable("zoë, さくら") == "'zoë, さくら'"


def test_an_unknown_letter_is_named_with_the_known_ones() -> None:
    """The message says what to change."""
    vocabulary = Vocabulary("abc")
    with pytest.raises(Refusal, match=r"In 'abx', 'x' is not a letter known here; known are abc\."):
        vocabulary.encode("abx")
    with pytest.raises(Refusal, match=r"'\.' marks the end of a name"):
        vocabulary.encode("a.b")


def test_a_value_in_a_message_is_short_and_harmless() -> None:
    """Escape sequences and long values don't reach a terminal or a page."""
    assert printable("a\x1b[31m") == r"'a\x1b[31m'"
    assert printable("o'neil") == '"o\'neil"'  # whose apostrophe can be told from the quotes
    assert printable("x" * 100) == "'" + "x" * 23 + "…'"


@given(st.lists(st.text("abéж𐐀", min_size=3, max_size=3), max_size=5))
def test_many_rows_are_spelt_as_one_by_one(words: list[str]) -> None:
    """Letters of any plane, end marks among them."""
    vocabulary = Vocabulary("abéж𐐀")
    rows = [[*vocabulary.encode(word), 0, 1] for word in words]
    assert vocabulary.spell(torch.tensor(rows, dtype=torch.long).view(-1, 5)) == [
        vocabulary.decode(row) for row in rows
    ]
