"""Two models on the same validation names: which is better, how sure that is, and on which names they differ."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import streamlit as st

from wavenames.comparison import Paired, paired
from wavenames.config import DataConfig, Refusal
from wavenames.figures.dots import Dot, dot_plot, dots_text
from wavenames.training import Evaluation, evaluate
from wavenames.ui.links import distinct, linked_pick
from wavenames.ui.live_plot import live_plot
from wavenames.ui.model_rows import MeasuredOn, Row, by_data
from wavenames.ui.references import packed
from wavenames.ui.session import find_split, model
from wavenames.ui.words import plain

PAIR = "pair"
"""Key of the two that are compared, in the session and in the link."""
DIFFERING = 10
"""Names shown, those on which the two differ most."""


def paired_comparison(chosen: Sequence[Row]) -> None:
    """Two of the chosen rows that were measured on the same names; of more than two, which ones can be chosen."""
    st.header("Paired comparison", anchor=False)
    pairs = _pairs(chosen)
    if not pairs:
        st.markdown("Tick two trained models of one list and split, and they are compared name by name here.")
        return
    picked = next(iter(pairs))
    if len(pairs) > 1:
        titles = distinct({key: f"{a.title} and {b.title}" for key, (a, b, _) in pairs.items()})
        with st.container(width=420):
            picked = linked_pick(
                "Which two", titles, key=PAIR, default=picked,
                explained="All pairs of ticked models that were measured on the same names.",
            )  # fmt: skip
    first, second, on = pairs[picked]
    try:
        found = [(row, _evaluation(row.key, on.data)) for row in (first, second)]
        names = find_split(on.data, on.conditions).validation
    except Refusal as refusal:
        st.warning(plain(str(refusal)))
        return
    a, b = (plain(row.title) for row in (first, second))
    st.markdown(f"**{compared(first.key, second.key, on.data).sentence(a, b)}**")
    st.caption(
        f"Nats per letter and the 95% interval, over the {len(set(names)):,} distinct validation names "
        f"({len(names):,} rows) of {plain(str(on))}, the same for both. Validation chooses between models; the test "
        "names stay out of it, because a loss that has chosen no longer tells how a model does on new names."
    )
    dots = differing_most(names, found)
    live_plot(
        dot_plot(dots, "nats per letter of the name"), key="paired", height=64 + 30 * DIFFERING,
        text=dots_text(dots, f"The {DIFFERING} validation names on which the two differ most, nats per letter"),
    )  # fmt: skip


def _pairs(chosen: Sequence[Row]) -> dict[str, tuple[Row, Row, MeasuredOn]]:
    """By both keys, any two trained models that were measured on the same names; those of the largest group first."""
    groups = by_data([row for row in chosen if row.sample is not None])
    return {
        f"{a.key} {b.key}": (a, b, names)
        for names, rows in groups.items()
        for a, b in itertools.combinations(rows, 2)
    }


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
