"""Which list of names is in use, and how a visitor brings one."""

from __future__ import annotations

import streamlit as st

from wavenames.config import Refusal
from wavenames.names import (
    BUNDLED,
    MAKEMORE,
    NO_COLUMN,
    NameList,
    columns,
    columns_of_labels,
    download_makemore,
    is_part,
    label_counts,
    labels_called,
    name_column,
    read_list,
    split,
    titles_known,
)
from wavenames.store import StoredList
from wavenames.ui.links import linked_choice
from wavenames.ui.session import find_list, lists, store
from wavenames.ui.words import not_used, plain

WIDTH = 220
"""Of a chooser of a column, in pixels."""
KEY = "names"
"""Of the chooser, in the session and in the link; the Train page starts with the same."""
SHOWN = 12
"""Names of a file shown before it is used."""
COLUMNS = {"sex": "Column of sex", "decade": "Column of decade or year"}
"""The choosers of the columns that tell each kind of label."""


def choose_list(label: str, explained: str | None = None) -> str:
    """The chooser over the lists at hand; gives the id. A list that a link asks for joins them if it is here."""
    for asked in st.query_params.get_all(KEY):
        admit(asked)
    return linked_choice(label, lists(), key=KEY, default=next(iter(BUNDLED)), explained=explained)


def admit(list_id: str) -> None:
    """Put a list among the visitor's, if it is here: who has a link to it, or to a run that learns it, may use it."""
    kept = None if list_id in lists() else store().name_list(list_id)
    if kept is not None:
        st.session_state["uploaded_lists"][list_id] = kept.title


def bring_list() -> None:
    """Upload a file, or fetch the lectures' list. A file that is refused leaves the list in use as it is.

    Draw this before the chooser, which then stands at the new list.
    """
    visit = st.session_state.setdefault("lists_brought", 0)  # a new key closes the fold and empties the upload
    with st.expander("Bring another list", icon=":material/upload:", key=f"bring_{visit}"):
        file = st.file_uploader("A .txt file with one name a line, or a .csv file", key=f"upload_{visit}")
        st.caption("Names stay on this server: they are kept for the runs that learn from them and go nowhere else.")
        if file is not None:
            _offer(file.getvalue(), file.name, file.file_id)
        st.divider()
        _offer_makemore()


def _offer(data: bytes, filename: str, file_id: str) -> None:
    """What a file holds, and the button that takes it."""
    try:
        titled = titles_known(data, filename)
        column, chosen, titles = None, {}, []
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if titled is not None:  # each file's choosers stand at first as its own titles say
                titled = st.toggle(
                    "First row holds titles", value=titled, key=f"titles in {file_id}",
                    help="Off, the first row is read as data, and the columns are called by their places.",
                )  # fmt: skip
                titles, file = columns(data, filename, titled=titled), f"{file_id}, titles {titled}"
                column = st.selectbox(
                    "Column of names", titles, index=name_column(titles), key=f"names in {file}", width=WIDTH
                )
                choices = [NO_COLUMN, *titles]
                for kind, likely in columns_of_labels(data, filename, titled=titled).items():
                    chosen[kind] = st.selectbox(
                        COLUMNS[kind], choices, index=choices.index(likely), key=f"{kind} in {file}", width=WIDTH
                    )
            fold_case = st.toggle("Make all letters small", key="upload_fold_case")
        found = read_list(data, filename, column=column, label_columns=chosen, titled=titled, fold_case=fold_case)
        split(found.names)  # refuses a list too short to train on
        unread = [
            (kind, title)
            for kind, likely in chosen.items()
            if likely == NO_COLUMN
            for title in labels_called(titles, kind)
            if title != column
        ]
    except Refusal as refusal:
        not_used(filename, str(refusal))
        return
    letters = "".join(sorted(set().union(*found.names)))
    st.markdown(
        f"**{len(found.names):,} names** of {len(letters)} different letters ({plain(letters[:60])}"
        f"{'…' if len(letters) > 60 else ''}), beginning with {plain(', '.join(found.names[:SHOWN]))}"
    )
    for kind, words in found.labels.items():
        counts = ", ".join(f"{word} ({count:,})" for word, count in label_counts(kind, words))
        st.markdown(f"**{kind.capitalize()}:** {counts}")
    for kind, title in unread:
        if why := _why_unread(data, filename, column, kind, title, titled=titled):
            st.caption(plain(f"Read without {kind}. {why[0].upper()}{why[1:]}"))
    say_parts(letters)
    if st.button("Use this list", icon=":material/check:", key="upload_use"):
        try:
            _take(found)
        except Refusal as refusal:
            not_used(filename, str(refusal))


@st.cache_data(show_spinner=False, max_entries=16)
def _why_unread(data: bytes, filename: str, column: str | None, kind: str, title: str, *, titled: bool | None) -> str:
    """Why labels can't be read from this column, in a sentence; empty if they can."""
    try:
        read_list(data, filename, column=column, label_columns={kind: title}, titled=titled)
    except Refusal as refusal:
        return str(refusal)
    return ""


def say_parts(letters: str) -> None:
    """Say so where signs of a list are made of several letters."""
    if any(map(is_part, letters)):
        st.caption(
            "Some of its signs are made of several characters, such as flags or accents that stand alone: a model "
            "learns each character as a letter of its own."
        )


def _offer_makemore() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button("Fetch makemore's list", icon=":material/download:", key="fetch_makemore")
        st.caption(
            "32,033 names, the list of Andrej Karpathy's lectures, which published losses refer to. It comes from "
            "his public repository and is checked by its hash.",
            width="stretch",
        )
    if wanted:
        try:
            with st.spinner("Fetching the list"):
                _take(_makemore())
        except Refusal as refusal:
            st.error(plain(str(refusal)), icon=":material/cloud_off:")


def _makemore() -> NameList:
    """From this server, if anyone has fetched it before."""
    return download_makemore() if store().name_list(MAKEMORE.id) is None else find_list(MAKEMORE.id)


def _take(found: NameList) -> None:
    """Keep a list on the server and put it in use."""
    store().keep_list(StoredList(found.id, found.title, found.names, found.source, found.licence, found.labels))
    lists()
    st.session_state["uploaded_lists"][found.id] = found.title
    st.session_state[KEY] = found.id
    st.session_state["lists_brought"] += 1
    st.rerun()
