"""The views of the Compare page: the table, what can be done with rows, what sets the chosen ones apart, charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from wavenames.config import SERVER_LIMITS, Refusal
from wavenames.figures.colours import FAMILIES
from wavenames.figures.loss import AXIS_TITLES, LossSeries, XAxis, loss_curves, loss_text
from wavenames.figures.scatter import ModelPoint, loss_against_parameters, scatter_text
from wavenames.store import UNFINISHED
from wavenames.ui.links import say_unknown
from wavenames.ui.live_plot import live_plot
from wavenames.ui.model_rows import MeasuredOn, Row, by_data, csv, differences, frame, model_rows
from wavenames.ui.references import references
from wavenames.ui.session import scheduler, store
from wavenames.ui.words import page_anew, plain

CHOSEN = "runs"
"""Key of the chosen rows' keys, in the session and in the link."""
TURN = "runs_turn"
"""Session key of which rows the table was drawn with last, and how many tables there have been."""
MOST = 8
"""Rows held side by side."""
POLL = 2.0
"""Seconds between two looks while something runs."""
LOSS: dict[str, Any] = {"width": 82, "format": "%.3f", "help": "Nats per letter on this part of the split."}
DARKER = 0.78
"""Of a family's colour under white letters: so all are read at a contrast of at least 4.5:1."""


def pill_colour(colour: str) -> str:
    """A family's colour as Compare's table has it, under white letters."""
    return "#" + "".join(f"{round(DARKER * int(colour[i : i + 2], 16)):02x}" for i in (1, 3, 5))


COLUMNS = {
    "title": st.column_config.TextColumn("Title", pinned=True, width=140),
    "validation": st.column_config.NumberColumn("Validation", **LOSS),
    "train": st.column_config.NumberColumn("Train", **LOSS),
    "test": st.column_config.NumberColumn("Test", **LOSS),
    "open": st.column_config.LinkColumn("Open", display_text="Train page", width=84),
    "sample": st.column_config.LinkColumn("Sample", display_text="Names", width=66),
    "status": st.column_config.TextColumn("Status", width=90),
    "family": st.column_config.MultiselectColumn(
        "Family",
        options=[f"{style.glyph} {family}" for family, style in FAMILIES.items()],
        color=[pill_colour(style.colour) for style in FAMILIES.values()],
        width=104,
    ),
    "parameters": st.column_config.NumberColumn("Parameters", format="localized", width=90),
    "split": st.column_config.TextColumn("Split", width=64),
    "list": st.column_config.TextColumn("List", width=150),
    "model": st.column_config.TextColumn("Model"),
    "steps": st.column_config.NumberColumn("Steps", format="localized"),
    "seconds": st.column_config.NumberColumn("Seconds", format="%.1f", help="Seconds of training."),
    "created": st.column_config.DatetimeColumn("Created", format="D MMM, HH:mm"),
}


def table(rows: Sequence[Row], chosen: Sequence[str]) -> None:
    """All rows, to be ticked. Looks again while something runs."""
    moving = any(row.moving for row in rows)
    st.fragment(_table, run_every=POLL if moving else None)([row.key for row in rows], list(chosen), moving=moving)


def _table(keys: list[str], chosen: list[str], *, moving: bool) -> None:
    rows = model_rows()
    same = [row.key for row in rows] == keys and st.session_state[CHOSEN] == chosen
    if not same or (moving and not any(row.moving for row in rows)):
        st.rerun()
    places = sorted(keys.index(key) for key in chosen)
    key = _table_key(keys, places)

    def tick() -> None:
        """The chosen keys follow the ticks; those chosen before keep their order."""
        ticked = [keys[i] for i in st.session_state[key].selection.rows if i < len(keys)]
        wanted = [*(one for one in chosen if one in ticked), *(one for one in ticked if one not in chosen)]
        st.session_state[CHOSEN] = wanted[:MOST]
        if len(wanted) > MOST:
            st.toast(f"{MOST} rows stand side by side at most. Take one away first.")

    st.dataframe(
        frame(rows), key=key, on_select=tick, selection_mode="multi-row", hide_index=True, column_config=COLUMNS,
        selection_default={"selection": {"rows": places}}, placeholder="–", alt="Models and runs with their losses",
    )  # fmt: skip


def _table_key(keys: Sequence[str], places: Sequence[int]) -> str:
    """The table's key: a new one, and with it a new table, where the ticks must be other than the browser has them.

    The browser keeps ticks as places of rows and sends them along with every look at the table. Were they set from
    here instead, a look that crosses our answer would bring the old ones back, or tick a neighbour's row.
    """
    drawn, turn = st.session_state.get(TURN, (keys, 0))
    ticks = st.session_state.get(f"runs_{turn}", {}).get("selection", {}).get("rows", places)
    if drawn != keys or sorted(ticks) != places:
        turn += 1
    st.session_state[TURN] = keys, turn
    return f"runs_{turn}"


def side_by_side(chosen: Sequence[Row]) -> None:
    """The chosen rows by name, each to be taken away."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="side_by_side"):
        st.markdown("Side by side:" if chosen else "No rows ticked yet.", width="content")
        for row in chosen:
            label = f"{FAMILIES[row.family].glyph} {plain(row.title)}"
            st.button(
                label, key=f"drop_{row.key}", icon=":material/close:", icon_position="right",
                help="Take away from the comparison", on_click=_drop, args=(row.key,),
            )  # fmt: skip


def _drop(key: str) -> None:
    st.session_state[CHOSEN] = [one for one in st.session_state[CHOSEN] if one != key]


def actions(rows: Sequence[Row], chosen: Sequence[Row]) -> None:
    """Rename and delete for runs of this server, and the whole table for a spreadsheet."""
    own = [row for row in chosen if row.is_run]
    with st.container(horizontal=True):
        only_runs = "For runs of this server: tick {}. Models that ship stay as they are."
        help_one, help_any = only_runs.format("one"), only_runs.format("one or more")
        if st.button("Rename", icon=":material/edit:", disabled=len(own) != 1, help=help_one, key="rename"):
            _rename(own[0])
        if st.button("Delete", icon=":material/delete:", disabled=not own, help=help_any, key="delete"):
            _delete(own)
        st.download_button(
            "Table as CSV", csv(rows), "wavenames.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )


@st.dialog("Rename a run")
def _rename(row: Row) -> None:
    with page_anew():
        now = store().run(row.key).title
    with st.form("rename_form", border=False):
        title = st.text_input("Title", now, max_chars=SERVER_LIMITS.max_title)
        saved = st.form_submit_button("Save", type="primary")
    if saved:
        try:
            scheduler().rename(row.key, title)
        except Refusal as refusal:
            st.error(plain(str(refusal)))
        else:
            st.rerun()


@st.dialog("Delete for good")
def _delete(rows: Sequence[Row]) -> None:
    st.markdown("Curves, sampled names and weights go too, for everyone on this server.")
    st.markdown("\n".join(f"- {plain(row.title)}{unfinished(row)}" for row in rows))
    many = f"{len(rows)} runs" if len(rows) > 1 else "this run"
    if st.button(f"Delete {many}", type="primary", icon=":material/delete:", key="delete_for_good"):
        try:
            for row in rows:
                scheduler().delete(row.key)
                st.session_state[CHOSEN] = [key for key in st.session_state[CHOSEN] if key != row.key]
        except Refusal as refusal:
            st.error(plain(str(refusal)))
        else:
            st.rerun()


def unfinished(row: Row) -> str:
    """A warning behind the title of a run that has not ended by now."""
    try:
        now = scheduler().snapshot(row.key).status
    except Refusal:  # gone already
        return ""
    return f", **{'still running' if now == 'running' else now}**; this ends it" if now in UNFINISHED else ""


def differing(chosen: Sequence[Row]) -> None:
    """The settings that set the chosen rows apart."""
    st.header("What differs", anchor=False)
    if len(chosen) < 2:
        st.markdown("Tick two rows or more, and the settings in which they differ stand here.")
        return
    found = differences(chosen)
    if found.empty:
        st.markdown("Nothing: these rows have the same settings.")
    else:
        st.dataframe(
            found, height="content", alt="Settings in which the chosen rows differ",
            column_config={"_index": st.column_config.TextColumn(width=165)},
        )  # fmt: skip


def mixed(chosen: Sequence[Row]) -> None:
    """Say so where losses of the chosen rows can't be compared."""
    groups = by_data(chosen)
    if len(groups) > 1:
        st.warning(
            "The chosen rows were measured on different names, so their losses can't be compared: "
            + "; ".join(plain(str(each)) for each in groups)
            + "."
        )


def curves(chosen: Sequence[Row]) -> None:
    """Losses of the chosen runs over one another."""
    st.header("How they learned", anchor=False)
    own = [row for row in chosen if row.is_run and row.config is not None]
    if not own:
        st.markdown("Tick runs of this server to see their curves; models that ship come without theirs.")
        return
    titles = {one: title.capitalize() for one, title in AXIS_TITLES.items()}
    say_unknown("compare_x", "the axis", titles.values())
    x = st.segmented_control(
        "Along the axis", list(titles), format_func=titles.__getitem__, default="step",
        key="compare_x", bind="query-params", label_visibility="collapsed", required=True,
    )  # fmt: skip
    whose = f"{plain(own[0].title)}, w" if len(own) == 1 else "W"
    st.caption(f"{whose}ith marks: validation. Without: train, smoothed.")
    moving = any(row.moving for row in own)
    st.fragment(_curves, run_every=POLL if moving else None)(own, chosen, x)


def _curves(own: Sequence[Row], chosen: Sequence[Row], x: XAxis) -> None:
    groups = by_data(chosen)
    try:
        series = [_series(row, x) for row in own]
    except Refusal:  # somebody has deleted a run since the page was drawn
        st.rerun()
    lines: dict[str, float] = {}
    if len(groups) == 1:
        lines = _lines(next(iter(groups)))
        lines |= {row.title: row.validation for row in chosen if not row.is_run and row.validation is not None}
    live_plot(loss_curves(series, lines, x), key=f"compared_{x}", height=420, text=loss_text(series, lines))


def _series(row: Row, x: XAxis) -> LossSeries:
    run = scheduler().snapshot(row.key)
    train, validation = ((getattr(series, x), series.loss) for series in (run.train, run.validation))
    return LossSeries(row.title, row.family, run.config.data.split, train, validation)


def _lines(names: MeasuredOn) -> dict[str, float]:
    """The reference lines, where this server still has the list."""
    try:
        return references(names.data, names.conditions)
    except Refusal:
        return {}


def sizes(rows: Sequence[Row]) -> None:
    """Loss against parameters, for models measured on the same names."""
    st.header("What size buys", anchor=False)
    measured = [row for row in rows if row.validation is not None and row.parameters]
    groups = by_data(measured)
    names = next(iter(groups))
    if len(groups) > 1:
        names = st.selectbox(
            "Measured on", list(groups), format_func=str, key="sizes_of",
            help="Losses can be compared on the same names only: list, split and, where a model is told any, labels.",
        )  # fmt: skip
    else:
        st.caption(f"Measured on {plain(str(names))}.")
    points = [
        ModelPoint(row.title, row.family, row.parameters, row.validation)
        for row in groups[names]
        if row.parameters and row.validation is not None
    ]
    live_plot(loss_against_parameters(points, {}), key="sizes", height=420, text=scatter_text(points))
