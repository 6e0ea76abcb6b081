"""The views of the Names page: a list in numbers, its rows, its letters, its twins, its splits, its windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from wavenames.config import DataConfig, MLPConfig, Refusal, limits
from wavenames.figures.bars import lengths_histogram, lengths_text
from wavenames.figures.heatmap import letter_pairs
from wavenames.figures.windows import packed_html, shares_html, windows_html
from wavenames.names import (
    ANY,
    SPLITS,
    Leak,
    NameList,
    Packed,
    Split,
    Statistics,
    label_counts,
    leak,
    printable,
    shares,
    statistics,
    windows,
)
from wavenames.ui.links import say_unknown
from wavenames.ui.live_plot import live_plot
from wavenames.ui.name_lists import say_parts
from wavenames.ui.session import find_list, find_split
from wavenames.ui.typed import as_known, known_beginning
from wavenames.ui.words import page_anew, plain

ROWS = 1000
"""Rows of a list that travel to the browser; a search reaches all of them."""
SEEN, HEIGHT = 7, 283
"""Rows of the table that are seen without scrolling, and its height where there are more, in pixels."""
CLASSES, CUT = 7, HEIGHT + 18
"""Classes of a kind of label that a table shows without scrolling; its height where there are more: half of the next
one shows that there are."""
PAIRS_AS = ("Counts", "Probability")
SHARES = 8
"""First and last letters shown."""


@st.cache_resource(show_spinner=False, max_entries=16)
def counted(list_id: str) -> Statistics:
    """The numbers of a list. Refuses an id that this server doesn't know."""
    return statistics(find_list(list_id).names)


@st.cache_data(show_spinner=False, max_entries=32)
def leaks(data: DataConfig) -> Leak:
    """What of validation and test also stands in train. Refuses a list too short to be split."""
    return leak(find_split(data))


def facts(list_id: str) -> None:
    """Where the list comes from, and its size."""
    names, numbers = find_list(list_id), counted(list_id)
    st.caption(f"Source: {plain(names.source)}. Licence: {plain(names.licence)}.")
    letters = numbers.vocabulary.letters
    with st.grid(4, min_column_width=150):
        st.metric("Names", f"{numbers.names:,}", help="Rows of the list, a name that stands twice counted twice.")
        st.metric("Distinct names", f"{numbers.distinct:,}", help="Each name counted once.")
        st.metric(
            "Letters",
            len(letters),
            help=f"{plain(letters[:80])}{'…' if len(letters) > 80 else ''}, and the mark that ends a name.",
        )
        st.metric("Targets", f"{numbers.targets:,}", help="Letters to predict, one end mark for each name included.")
    say_parts(letters)


def table(list_id: str) -> None:
    """The rows with a search, beside how long the names are."""
    left, right = st.columns(2, gap="large")
    with left:
        _search(list_id)
    with right:
        st.header("How long they are", anchor=False)
        lengths = counted(list_id).lengths
        live_plot(lengths_histogram(lengths), key="lengths", height=352, text=lengths_text(lengths))


@st.fragment
def _search(list_id: str) -> None:
    st.header("The list", anchor=False)
    with page_anew():
        names = find_list(list_id)
    wanted = st.text_input(
        "Search",
        key="search",
        type="search",
        live=True,
        placeholder="ann, or .an for the beginning, na. for the end",
        label_visibility="collapsed",
    )
    found = [row for row, name in enumerate(names.names) if wanted.casefold() in f".{name}.".casefold()]
    if not found:
        st.markdown(f"No name of this list has {plain(printable(wanted))} in it.")
        return
    shown = rows(names, found[:ROWS])
    columns: dict[str, Any] = {str(title): str(title).capitalize() for title in shown}
    st.dataframe(
        shown,
        hide_index=True,
        height="content" if len(found) <= SEEN else HEIGHT,
        column_config=columns | {"births": st.column_config.NumberColumn("Births", format="localized")},
        alt="Names of the list",
    )
    st.caption(rows_in_words(len(found), len(names.names)))


def rows_in_words(found: int, rows: int) -> str:
    """How many of a list's rows were found, and how many of them stand on the page."""
    if found == rows:
        return f"The first {ROWS:,} of {rows:,} rows" if rows > ROWS else f"All {rows:,} rows"
    return f"{found:,} of {rows:,} rows{f', the first {ROWS:,} shown' if found > ROWS else ''}"


def rows(names: NameList, places: list[int]) -> pd.DataFrame:
    """Some rows of a list with what its source knows of them."""
    columns: dict[str, Any] = {"name": [names.names[i] for i in places]}
    for title, words in names.labels.items():
        columns[title] = ["" if words[i] == ANY else words[i] for i in places]
    if names.births is not None:
        columns["births"] = [names.births[i] for i in places]
    columns["letters"] = [len(name) for name in columns["name"]]
    return pd.DataFrame(columns)


def labels(list_id: str) -> None:
    """What the list knows of each name beside its letters: the classes of each kind, with their shares."""
    st.header("What it knows of each name", anchor=False)
    names = find_list(list_id)
    if not names.labels:
        st.markdown(
            "Nothing but its letters. A .csv can have a column of sex, and one of decade or year: a model can then "
            "be told whose name it is."
        )
        return
    for place, (kind, words) in zip(st.columns(2, gap="large"), names.labels.items(), strict=False):
        with place:
            shares = label_shares(kind, words)
            st.dataframe(
                shares, hide_index=True, height=CUT if len(shares) > CLASSES else "content",
                column_config={
                    kind: kind.capitalize(),
                    "rows": st.column_config.NumberColumn("Rows", format="localized"),
                    "share": st.column_config.ProgressColumn("Share", format="%.1f%%", max_value=100),
                },
                alt=f"Rows of the list by {kind}",
            )  # fmt: skip


def label_shares(kind: str, words: Sequence[str]) -> pd.DataFrame:
    """The classes of one kind of label that stand in a list: how many rows have each, and their share in percent."""
    counts = [(word, count, 100 * count / len(words)) for word, count in label_counts(kind, words)]
    return pd.DataFrame(counts, columns=[kind, "rows", "share"])


@st.fragment
def pairs(list_id: str) -> None:
    """Which letter follows which, and where names begin and end."""
    st.header("Which letter follows which", anchor=False)
    with page_anew():
        numbers = counted(list_id)
    symbols = numbers.vocabulary.symbols
    left, right = st.columns([3, 2], gap="large")
    with left:
        say_unknown("pairs_shown", "the numbers", PAIRS_AS)
        shown = st.segmented_control(
            "Shown", PAIRS_AS, default="Counts", required=True, key="pairs_shown",
            bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
        probability = shares(numbers.pairs)
        figure = (
            letter_pairs(numbers.pairs.numpy(), symbols)
            if shown == "Counts"
            else letter_pairs(probability.numpy(), symbols, "probabilities")
        )
        live_plot(figure, key="pairs", height=440, text=pairs_text(numbers))
    with right:
        st.markdown(
            "A row is a letter, a column the letter after it; ■ stands for the beginning (as a row) and for the end "
            "(as a column) of a name. This table, row by row divided by its sum, is the whole bigram model."
        )
        for title, counts in (
            ("Most names begin with", numbers.pairs[0]),
            ("Most names end with", numbers.pairs[:, 0]),
        ):
            top = counts.argsort(descending=True)[:SHARES].tolist()
            st.markdown(f"**{title}**")
            st.html(shares_html({symbols[i]: int(counts[i]) / numbers.names for i in top if counts[i] > 0}))


def pairs_text(numbers: Statistics) -> str:
    """The heat map in words: the most frequent letter after each."""
    symbols, words = numbers.vocabulary.symbols, []
    for symbol, line in zip(symbols, numbers.pairs, strict=True):
        best = int(line.argmax())
        before = "at the beginning" if symbol == "." else f"after {symbol}"
        follows = "the end" if best == 0 else symbols[best]
        words.append(f"{before}: {follows}, {int(line[best]):,} of {int(line.sum()):,} times")
    return "Most frequent next letter\n" + "\n".join(words)


def twins(list_id: str) -> None:
    """Names that stand more than once."""
    st.header("Twins", anchor=False)
    found = counted(list_id).twins
    if not found:
        st.markdown("Every name stands in this list once.")
        return
    first = ", ".join(f"{plain(name)} ({count}×)" for name, count in list(found.items())[:SHARES])
    many = f"**{len(found):,} names** stand" if len(found) != 1 else "**1 name** stands"
    st.markdown(f"{many} in the list more than once: {first}{'…' * (len(found) > SHARES)}")


def splits(list_id: str) -> None:
    """Both ways to divide the list, side by side."""
    st.header("Train, validation, test", anchor=False)
    st.markdown("A model learns from train; validation and test tell whether it learned names or memorised them.")
    for place, kind in zip(st.columns(2, gap="large"), SPLITS, strict=True):
        with place.container(border=True, height="stretch"):
            st.subheader(kind, anchor=False)
            data = DataConfig.checked(names=list_id, split=kind)
            try:
                parts, leaked = find_split(data), leaks(data)
            except Refusal as refusal:
                st.warning(plain(str(refusal)))
                continue
            st.table(
                sizes(parts).style.format(thousands=","), border="horizontal", hide_index=True,
                alt=f"Sizes of the {kind} split",
            )  # fmt: skip
            st.markdown(leak_in_words(kind, leaked))


def sizes(parts: Split) -> pd.DataFrame:
    """Each part of a split in names and in targets."""
    named = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    counts = [(part, len(names), sum(map(len, names)) + len(names)) for part, names in named.items()]
    return pd.DataFrame(counts, columns=["Part", "Names", "Targets"])


def leak_in_words(kind: str, leaked: Leak) -> str:
    """What a split lets through from train to where losses are measured."""
    if kind == "unique":
        return "Twins are dropped before the shuffle: no validation or test name was seen in training."
    if leaked.validation == leaked.test == 0:
        return "Rows are shuffled as they stand. No name happens to stand on both sides."
    return (
        f"Rows are shuffled as they stand, so twins can land on both sides: **{leaked.validation:.1%}** of "
        f"validation and **{leaked.test:.1%}** of test were already seen in training, and losses look better than "
        "they are."
    )


@st.fragment
def reading(list_id: str) -> None:
    """One name as windows, and packed with its neighbours."""
    st.header("How a model reads a name", anchor=False)
    with page_anew():
        names, numbers = find_list(list_id).names, counted(list_id)
    left, right = st.columns(2, gap="large")
    typed = left.text_input("Name", names[0], key=f"read_{list_id}", live=True)
    low, high = (int(bound or 1) for bound in limits(MLPConfig, "block_size"))
    say_unknown("letters_seen", "letters seen", [str(number) for number in range(low, high + 1)])
    block_size = right.slider(
        "Letters seen", low, high, 3, key="letters_seen", bind="query-params",
        help="So many letters before the one to be predicted are all that a model of windows reads.",
    )  # fmt: skip
    try:
        name = as_known(typed or names[0], numbers.vocabulary)
    except Refusal as refusal:
        st.error(plain(str(refusal)))
        name = known_beginning(typed, numbers.vocabulary)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(
            f"**Window by window.** To a model that sees {block_size} letters, a name of {len(name)} letters is "
            f"{len(name) + 1} questions; the answer to the last is the end mark."
        )
        st.html(windows_html(windows(name, block_size)))
    with right:
        st.markdown(
            "**Packed.** Whole names lie end to end, without padding. A WaveNet answers all of them at once, each "
            "letter from those before it; the position says how many those are."
        )
        neighbours = [each for each in names[:3] if each != name][:2]
        packed = Packed([name, *neighbours], numbers.vocabulary)
        decode = numbers.vocabulary.decode
        st.html(
            packed_html(decode(packed.letters.tolist()), decode(packed.targets.tolist()), packed.positions.tolist())
        )
