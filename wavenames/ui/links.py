"""Choices that stand in the link by their id, while the page shows their title.

Streamlit's own binding (`bind="query-params"`) writes what is shown. That is right for a number or a word; a title
may be given anew, carries a loss, or belongs to a list of names that a link should not tell about.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from wavenames.config import Refusal, Settings, field_label
from wavenames.names import printable
from wavenames.ui.words import plain

PAGE, VISIT = "page shown", "visit to a page"
"""Session keys: which page is shown, and how many have been before it."""
KNOWN = "words of the link"
"""Session key: what controls read from the link."""
FEW = 8
"""Up to so many choices are named one by one."""
S = TypeVar("S", bound=Settings)


def linked_choice(
    label: str,
    options: Mapping[str, str],
    *,
    key: str,
    default: str | None = None,
    explained: str | None = None,
    not_yet: Collection[str] = (),
) -> str:
    """A select box over ids, shown by their titles. The choice stays from page to page.

    Args:
        label: What is chosen.
        options: Title by id, at least one.
        key: The control's key and its name in the link.
        default: What stands there while nobody has chosen, and is left out of the link; else the first id.
        explained: One line of help.
        not_yet: Ids that can't be chosen because they are still training.
    """
    titles = distinct(options)
    usual = next(iter(options)) if default is None or default not in options else default
    linked = _linked(key, options, not_yet)
    wanted = linked[0] if linked else st.session_state.get(key, usual)
    if wanted not in options:
        if linked is None:  # the link itself has not been answered in a sentence
            gone = st.session_state.get(f"{key} as drawn", {}).get(wanted, printable(str(wanted)))
            st.warning(plain(f"{gone} is no longer here; {titles[usual]} stands in its place."))
        wanted = usual
    if _renamed(key, titles, wanted) or wanted != st.session_state.get(key):
        st.session_state[key] = wanted
    chosen = st.selectbox(
        label, list(titles), format_func=titles.__getitem__, key=key, persist_state="session", help=explained
    )
    sure = chosen if chosen in options else usual  # what a browser sends need not be what it was offered
    _write(key, None if sure == usual else [sure])
    return sure


def linked_ids(options: Mapping[str, str], *, key: str, default: Sequence[str], most: int) -> list[str]:
    """Any number of ids up to `most`, in the order in which they were chosen, without a control of its own.

    They are kept in `st.session_state[key]`, where buttons change them, and stand in the link under the same key.
    `options` are titles by id. What the link asks for beyond `most`, and what is gone since it was chosen, is said.
    """
    linked = _linked(key, options)
    wanted = linked if linked is not None else st.session_state.get(key, default)
    if linked is not None and len(linked) > most:
        st.warning(f"The link asks for {len(linked)} at once; allowed are at most {most}. Here are the first {most}.")
    gone = [] if linked is not None else [one for one in st.session_state.get(key, []) if one not in options]
    for one in gone:
        title = st.session_state.get(f"{key} as drawn", {}).get(one, printable(str(one)))
        st.warning(plain(f"{title} is no longer here."))
    st.session_state[f"{key} as drawn"] = dict(options)
    chosen = [one for one in dict.fromkeys(wanted) if one in options][:most]
    st.session_state[key] = chosen
    _write(key, None if chosen == list(default) else chosen)
    return chosen


def linked_pick(
    label: str, options: Mapping[str, str], *, key: str, default: str, explained: str | None = None
) -> str:
    """A select box over the parts of something that changes, such as the letters of a name: titles by id, distinct.

    What has been chosen stands in `st.session_state[key]`, where a click on a chart may put it too, and in the link.
    While nobody has chosen, and where the part chosen is not there, `default` holds: it may change with the rest.
    That a part is not there is said of a link alone.
    """
    box = f"{key}_box"

    def take() -> None:
        st.session_state[key] = st.session_state[box]

    linked = _read_word(key)
    if linked and st.session_state[key] not in options:
        _say_unknown(label.lower(), st.session_state.pop(key), options)
    word: str | None = st.session_state.get(key)
    chosen = word if word is not None and word in options else default
    _write(key, [chosen] if chosen == word else None)
    st.session_state[box] = chosen
    st.selectbox(label, list(options), format_func=options.__getitem__, key=box, on_change=take, help=explained)
    return chosen


def linked_word(key: str) -> str | None:
    """One word without a control, kept in `st.session_state[key]` and in the link; None if there is none."""
    _read_word(key)
    word: str | None = st.session_state.get(key)
    _write(key, None if word is None else [word])
    return word


def _read_word(key: str) -> bool:
    """Take a word from the link, when it is to be read; whether it says any."""
    _knows(key)
    linked = to_be_read(key) and bool(st.query_params.get(key))
    if linked:
        st.session_state[key] = st.query_params[key]
    return linked


def possible(words: Mapping[str, str], made_of: Callable[[Mapping[str, str]], S]) -> S:
    """What of a link can be had; the rest is named, in a sentence each, and stands at its default.

    Args:
        words: What the link says of each field, in the order in which the fields are to be taken.
        made_of: Makes the configuration, or refuses.
    """
    kept: dict[str, str] = {}
    refused = {}
    for name, word in words.items():
        try:
            made_of({**kept, name: word})
            kept[name] = word
        except Refusal as refusal:
            refused[field_label(name)] = str(refusal)
    if refused:
        said, left = " ".join(refused.values()), " and ".join(refused)
        st.warning(plain(f"The link asks for something that can't be had. {said} Left at the default: {left}."))
    return made_of(kept)


def say_unknown(key: str, label: str, allowed: Collection[str]) -> None:
    """Say so where the link asks a control that is bound to it for what it doesn't have. Draw it before the control.

    Streamlit itself leaves such a word out without one.
    """
    _knows(key)
    word = st.query_params.get(key)
    if to_be_read(f"{key} known") and word is not None and word not in allowed:
        _say_unknown(label, word, allowed)


def _say_unknown(label: str, word: str, allowed: Collection[str]) -> None:
    few = ", ".join(allowed) if len(allowed) <= FEW else f"{next(iter(allowed))} to {list(allowed)[-1]}"
    st.warning(plain(f"The link asks for {label} {printable(word)}; allowed is one of {few}."))


@contextmanager
def misspelt_said() -> Iterator[None]:
    """Around a page: above it, name what of the link is nearly a word that its controls read, and so sets nothing.

    What is nothing like one may be anybody's. A word that was read once in this visit, by a control that is not drawn
    now, is none of these.
    """
    above = st.container()
    yield
    if to_be_read("the words themselves"):
        known: set[str] = st.session_state.get(KNOWN, set())
        for word in [*st.query_params]:
            near = difflib.get_close_matches(word, known, n=1, cutoff=0.8)
            if near and word not in known:
                said = f"The link sets {printable(word)}, which is no setting; the nearest is '{near[0]}'."
                above.warning(plain(said))


def linked_text(label: str, usual: str = "", *, key: str, **looks: Any) -> str:
    """A box for text that stands in the link under its key while it is typed; `looks` are those of the box."""
    _knows(key)
    typed: str = st.text_input(label, usual, key=key, bind="query-params", live=True, **looks)
    return typed


def _knows(*words: str) -> None:
    """Note that a control reads these from the link."""
    st.session_state.setdefault(KNOWN, set()).update(words)


def write_words(words: Mapping[str, str], names: Collection[str]) -> None:
    """Put `words` into the link; of all other `names` it then says nothing."""
    _knows(*names)
    for name in names:
        if name not in words:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != words[name]:
            st.query_params[name] = words[name]


def arrive(page: str) -> None:
    """Tell that `page` is shown; the router does so before it runs the page."""
    if st.session_state.get(PAGE) != page:
        st.session_state[PAGE] = page
        st.session_state[VISIT] = st.session_state.get(VISIT, 0) + 1


def distinct(titles: Mapping[str, str]) -> dict[str, str]:
    """Titles by id, those that stand there before made distinct: "mlp-3", "mlp-3 (2)"."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for one, title in titles.items():
        tries = (title if number == 1 else f"{title} ({number})" for number in itertools.count(1))
        found[one] = next(each for each in tries if each not in taken)
        taken.add(found[one])
    return found


def _renamed(key: str, titles: Mapping[str, str], chosen: str) -> bool:
    """Whether what is chosen has another title than when it was drawn last; the browser knows titles only."""
    before: Mapping[str, str] = st.session_state.get(f"{key} as drawn", titles)
    st.session_state[f"{key} as drawn"] = titles
    return before.get(chosen) != titles[chosen]


def _linked(key: str, options: Collection[str], not_yet: Collection[str] = ()) -> list[str] | None:
    """Which of `options` the link asks for, when it is to be read; None when it says nothing about them."""
    _knows(key)
    if not to_be_read(key) or key not in st.query_params:
        return None
    asked = [one for one in st.query_params.get_all(key) if one]
    missing = [one for one in asked if one not in options]
    if missing:
        why = "is still training" if missing[0] in not_yet else "this server doesn't know or no longer has"
        st.warning(plain(f"The link's {key} is {printable(missing[0])}, which {why}."))
    return [one for one in asked if one in options]


def to_be_read(key: str) -> bool:
    """Whether the link has just been opened: in a new session, by coming to this page, by going back.

    At all other times what the session has chosen holds. A browser sends the link along with every request, and with
    one that crosses our answer it still sends the link as it was.
    """
    context = get_script_run_ctx()
    back = context is not None and context.is_history_navigation
    visit = st.session_state.get(VISIT, 0)
    if st.session_state.get(f"{key} read at visit") == visit and not back:
        return False
    st.session_state[f"{key} read at visit"] = visit
    if back and key not in st.query_params:
        st.session_state.pop(key, None)
    return True


def _write(key: str, ids: list[str] | None) -> None:
    """Put ids into the link; an empty list stands there as such, None takes the key out."""
    if ids is None:
        st.query_params.pop(key, None)
    elif st.query_params.get_all(key) != (ids or [""]):
        st.query_params[key] = ids or [""]
