"""Words of people, on the pages."""

import pytest

from wavenames.ui.words import duration, plain


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


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (8, "8 s"), (59.6, "1 min"), (125, "2 min 5 s"), (3600, "1 h"), (4230, "1 h 10 min")],
)
def test_a_duration_names_no_unit_of_which_there_is_none(seconds: float, said: str) -> None:
    assert duration(seconds) == said
