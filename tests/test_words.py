"""Words of people, on the pages."""

import pytest

from wavenames.ui.words import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("anna", "anna"),
        ("**a** [b](c) <i>", r"\*\*a\*\* \[b\]\(c\) \<i\>"),
        ("שרה", "\u2068שרה\u2069"),
        ("سارة", "\u2068سارة\u2069"),
        ("בן-דוד", "\u2068בן\\-דוד\u2069"),
        ("after שר comes ה: 9%", "after \u2068שר\u2069 comes \u2068ה\u2069\\: 9%"),
        ("ρήγας", "ρήγας"),
    ],
)
def test_a_name_is_shown_as_it_is_and_turns_no_sentence_around(text: str, shown: str) -> None:
    assert plain(text) == shown
