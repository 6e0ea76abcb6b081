"""Choices that stand in the link by their id, while the page shows their title.

Streamlit's own binding (`bind="query-params"`) writes what is shown. That is right for a number or a word; a title
may be given anew, carries a loss, or belongs to a list of names that a link should not tell about.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import streamlit as st

from wavenames.names import printable
from wavenames.ui.words import plain


def linked_choice(
    label: str,
    options: Mapping[str, str],
    *,
    key: str,
    default: str | None = None,
    explained: str | None = None,
) -> str:
    """A select box over ids, shown by their titles. The choice stays from page to page.

    Args:
        label: What is chosen.
        options: Title by id, at least one.
        key: The control's key and its name in the link.
        default: What stands there while nobody has chosen, and is left out of the link; else the first id.
        explained: One line of help.
    """
    titles = distinct(options)
    usual = next(iter(options)) if default is None or default not in options else default
    linked = _linked(key, options)
    wanted = linked[0] if linked else st.session_state.get(key, usual)
    wanted = wanted if wanted in options else usual
    if _renamed(key, titles, [wanted]) or wanted != st.session_state.get(key):
        st.session_state[key] = wanted
    chosen = st.selectbox(
        label, list(titles), format_func=titles.__getitem__, key=key, persist_state="session", help=explained
    )
    sure = chosen if chosen in options else usual  # what a browser sends need not be what it was offered
    _write(key, None if sure == usual else [sure])
    return sure


def linked_choices(
    label: str,
    options: Mapping[str, str],
    *,
    key: str,
    default: Sequence[str],
    most: int,
    explained: str | None = None,
) -> list[str]:
    """As `linked_choice`, for any number of ids up to `most`, in the order in which they were chosen."""
    titles = distinct(options)
    linked = _linked(key, options)
    wanted = linked if linked is not None else st.session_state.get(key, default)
    kept = [one for one in wanted if one in options][:most]
    if _renamed(key, titles, kept) or kept != st.session_state.get(key):
        st.session_state[key] = kept
    chosen = st.multiselect(
        label, list(titles), format_func=titles.__getitem__, key=key, persist_state="session", max_selections=most,
        help=explained, placeholder="None chosen",
    )  # fmt: skip
    chosen = [one for one in chosen if one in options][:most]
    _write(key, None if chosen == list(default) else chosen)
    return chosen


def distinct(titles: Mapping[str, str]) -> dict[str, str]:
    """Titles by id, those that stand there before made distinct: "mlp-3", "mlp-3 (2)"."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for one, title in titles.items():
        tries = (title if number == 1 else f"{title} ({number})" for number in itertools.count(1))
        found[one] = next(each for each in tries if each not in taken)
        taken.add(found[one])
    return found


def _renamed(key: str, titles: Mapping[str, str], ids: Sequence[str]) -> bool:
    """Whether what is chosen has another title than when it was drawn last; the browser knows titles only."""
    before = st.session_state.get(f"{key} as drawn", titles)
    st.session_state[f"{key} as drawn"] = titles
    return any(before.get(one) != titles[one] for one in ids)


def _linked(key: str, options: Mapping[str, str]) -> list[str] | None:
    """The ids in the link, if it was opened or gone back to since this session last wrote it; None if not."""
    if key not in st.query_params or st.query_params.get_all(key) == st.session_state.get(_mark(key)):
        return None
    asked = [one for one in st.query_params.get_all(key) if one]
    missing = [one for one in asked if one not in options]
    if missing:
        asked_for = plain(printable(missing[0]))
        st.warning(f"The link asks for {asked_for}, which this server doesn't know or no longer has.")
    return [one for one in asked if one in options]


def _write(key: str, ids: list[str] | None) -> None:
    """Put ids into the link; an empty list stands there as such, None takes the key out."""
    values = None if ids is None else ids or [""]
    if values is None:
        st.query_params.pop(key, None)
    elif st.query_params.get_all(key) != values:
        st.query_params[key] = values
    st.session_state[_mark(key)] = values


def _mark(key: str) -> str:
    return f"{key} in the link"
