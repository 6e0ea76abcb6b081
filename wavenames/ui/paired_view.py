"""Two models on the same validation names: which is better, how sure that is, and on which names they differ."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from wavenames.comparison import Paired, paired
from wavenames.config import DataConfig, Refusal, conditions_of
from wavenames.figures.dots import Dot, dot_plot, dots_text
from wavenames.training import Evaluation, evaluate
from wavenames.ui.live_plot import live_plot
from wavenames.ui.model_rows import Row, by_data, data_in_words
from wavenames.ui.references import packed
from wavenames.ui.session import find_split, model
from wavenames.ui.words import plain

DIFFERING = 10
"""Names shown, those on which the two differ most."""


def paired_comparison(chosen: Sequence[Row]) -> None:
    """The first two of the chosen rows that were measured on the same names."""
    st.header("Paired comparison", anchor=False)
    pair = _pair(chosen)
    if pair is None:
        st.markdown("Tick two trained models of one list and split, and they are compared name by name here.")
        return
    (first, second), data = pair
    try:
        found = [(row, _evaluation(row.key, data)) for row in (first, second)]
        names = find_split(data, _told(first)).validation
    except Refusal as refusal:
        st.warning(plain(str(refusal)))
        return
    a, b = (plain(row.title) for row in (first, second))
    st.markdown(f"**{compared(first.key, second.key, data).sentence(a, b)}**")
    st.caption(
        f"Nats per letter and the 95% interval, over the {len(names):,} validation names of "
        f"{plain(data_in_words(data))}, the same for both. Validation chooses between models; the test names stay "
        "out of it, because a loss that has chosen no longer tells how a model does on new names."
    )
    dots = differing_most(names, found)
    live_plot(
        dot_plot(dots, "nats per letter of the name"), key="paired", height=64 + 30 * DIFFERING,
        text=dots_text(dots, f"The {DIFFERING} validation names on which the two differ most, nats per letter"),
    )  # fmt: skip


def _pair(chosen: Sequence[Row]) -> tuple[tuple[Row, Row], DataConfig] | None:
    """Two rows with a trained model on one list and split: the first two of the data that most were measured on."""
    for data, rows in by_data([row for row in chosen if row.sample is not None]).items():
        for alike in _alike(rows):
            if len(alike) > 1:
                return (alike[0], alike[1]), data
    return None


def _alike(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows of one list and split by the names that they were measured on.

    A unique split has one row for each of a name's labels, so that its rows differ with what a model is told.
    """
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        told = _told(row)
        found.setdefault(told if row.config and row.config.data.split == "unique" else (), []).append(row)
    return list(found.values())


def _told(row: Row) -> tuple[str, ...]:
    return conditions_of(row.config.model) if row.config is not None else ()


@st.cache_resource(show_spinner=False, max_entries=64)
def _evaluation(key: str, data: DataConfig) -> Evaluation:
    """A trained model on every validation name. Refuses a model or a list that this server no longer has."""
    asked = model(key)
    return evaluate(asked, packed(data, "validation", asked.conditions))


@st.cache_data(show_spinner=False, max_entries=64)
def compared(first: str, second: str, data: DataConfig) -> Paired:
    """The comparison of two models by their keys."""
    return paired(_evaluation(first, data), _evaluation(second, data))


def differing_most(names: Sequence[str], found: Sequence[tuple[Row, Evaluation]]) -> list[Dot]:
    """The names on which the summed nats of two models differ most, each once, with what either takes them for."""
    (_, first), (_, second) = found
    order: list[int] = (second.per_name - first.per_name).abs().argsort(descending=True, stable=True).tolist()
    places: dict[str, int] = {}
    for i in order:
        places.setdefault(names[i], i)
    return [
        Dot(name, row.title, row.family, float(each.per_name[i] / each.lengths[i]), hollow=row is not found[0][0])
        for name, i in list(places.items())[:DIFFERING]
        for row, each in found
    ]
