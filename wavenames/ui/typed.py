"""What people type, brought to the letters that a model knows."""

import unicodedata
from itertools import takewhile

import streamlit as st

from wavenames.config import LIST_LIMITS, Refusal
from wavenames.names import Vocabulary, printable
from wavenames.ui.links import linked_text
from wavenames.ui.session import find_list


def as_known(typed: str, vocabulary: Vocabulary, besides: str = "") -> str:
    """A typed name without outer spaces, letters composed, in small letters where only those are known.

    `besides` are signs that may stand in it as well, such as those of a pattern.

    Raises:
        Refusal: longer than any name may be, or with a letter that `vocabulary` doesn't know; where the name without
            its accents, hyphens, apostrophes and spaces is known, the sentence offers that.
    """
    name = unicodedata.normalize("NFC", typed.strip())
    if len(name) > LIST_LIMITS.max_length:
        raise Refusal(
            f"The name {printable(name, 12)} has {len(name):,} letters; allowed are at most {LIST_LIMITS.max_length}."
        )
    if not set(name) <= {*vocabulary.letters, *besides}:
        name = name.lower()
    try:
        vocabulary.encode("".join(letter for letter in name if letter not in besides))
    except Refusal as refusal:
        bare = "".join(each for each in unicodedata.normalize("NFKD", name) if not _left_out(each))
        if not bare or not set(bare) <= {*vocabulary.letters, *besides}:
            raise
        raise Refusal(f"{refusal} Try {bare}.") from None
    return name


def example_name(usual: str, list_id: str, vocabulary: Vocabulary) -> str:
    """What stands in a box for names at first: `usual`, else a name of the list that a model learned from.

    Where this server no longer has that list, some letters that the model knows.
    """
    if set(usual) <= {*vocabulary.letters}:
        return usual
    try:
        first = find_list(list_id).names[0]
    except Refusal:
        return vocabulary.letters[:5]
    return first if set(first) <= {*vocabulary.letters} else vocabulary.letters[:5]


def name_box(label: str, example: str, *, key: str) -> str:
    """A box for a name, in the link as well; gives what is typed, the example where nothing is.

    An example that stands there gives way to that of another model; a name that was typed stays.
    """
    shown = f"{key} example"
    before = st.session_state.get(shown, example)
    if before != example and st.session_state.get(key) == before:
        st.session_state[key] = example
    st.session_state[shown] = example
    return linked_text(label, example, key=key).strip() or example


def _left_out(character: str) -> bool:
    """Whether a name without this is still the name, to who knows no more than letters."""
    return unicodedata.category(character) in ("Mn", "Pd", "Zs") or character in "'\u2019"


def known_beginning(typed: str, vocabulary: Vocabulary) -> str:
    """As much of a refused name, from its first letter on, as `as_known` would take."""
    name = unicodedata.normalize("NFC", typed.strip())[: LIST_LIMITS.max_length]
    known = vocabulary.letters.__contains__
    return max(("".join(takewhile(known, one)) for one in (name, name.lower())), key=len)
