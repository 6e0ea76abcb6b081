"""Words on the pages."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import streamlit as st

from wavenames.config import Refusal
from wavenames.names import ANY, printable

ANEW = "page drawn anew"
"""Session key: what was refused when the page was drawn last, and is drawn anew for."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")
_RIGHT = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+"
_RIGHT_TO_LEFT = re.compile(rf"({_RIGHT}(?:[^\w\n]+{_RIGHT})*)")
"""Words of such letters with what stands between them."""


def plain(text: str) -> str:
    """`text` as Markdown that shows it letter by letter: people's titles and names can't format or link.

    Letters that run from right to left are isolated, so that they can't turn the sentence around them.
    """
    return _RIGHT_TO_LEFT.sub("\u2068\\1\u2069", _MARKDOWN.sub(r"\\\1", text))


def not_used(filename: str, refusal: str) -> None:
    """Say why a file that was brought is refused, and which: a file that the browser refuses may stand beside it."""
    st.error(plain(refusal), title=plain(f"{printable(filename, longest=60)} is not used"), icon=":material/block:")


@contextmanager
def refusals_said() -> Iterator[None]:
    """Show what any page may meet, such as a data folder that another server holds, as its sentence."""
    try:
        yield
    except Refusal as refusal:
        st.error(plain(str(refusal)))


@contextmanager
def page_anew() -> Iterator[None]:
    """In a fragment, where the page can't catch it: what was deleted meanwhile is the page's to say, drawn anew.

    What is refused again then is said here; to draw the page once more would go on without end.
    """
    before = st.session_state.pop(ANEW, None)
    try:
        yield
    except Refusal as refusal:
        if before != str(refusal):
            st.session_state[ANEW] = str(refusal)
            st.rerun()
        st.error(plain(before))
        st.stop()


def kind_of_names(told: Mapping[str, str], count: int = 2) -> str:
    """What is told, in words: "girls' names", "boy's name of 1920" for a count of one, "names" where nothing is."""
    whose = {"F": ("girl's ", "girls' "), "M": ("boy's ", "boys' ")}.get(told.get("sex", ANY), ("", ""))
    decade = told.get("decade", ANY)
    return f"{whose[count != 1]}name{'s' * (count != 1)}{f' of {decade}' if decade != ANY else ''}"


def duration(seconds: float) -> str:
    """Seconds in words: "8 s", "2 min", "2 min 5 s", "1 h 10 min"."""
    whole = round(seconds)
    if whole >= 3600:
        parts = {"h": whole // 3600, "min": whole % 3600 // 60}
    else:
        parts = {"min": whole // 60, "s": whole % 60}
    return " ".join(f"{number} {unit}" for unit, number in parts.items() if number) or "0 s"
